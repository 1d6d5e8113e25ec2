// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <fmt/format.h>

#include "cli/exit_status.h"

namespace holdfast::cli {

std::string TopHelp() {
  return R"(holdfast: release records you can take back

Usage: holdfast [--profile NAME] COMMAND [ARGUMENTS]

Everyone
  status        is the gateway serving, and what is held
  order         context, draft, show, sign, submit a signed order; pending: what waits;
                trust-clock: let a custodian say that the gateway's clock is right
  identity      create, show, change-passphrase, agent: signing keys; strike-off
  doctor        find out why it does not work, and what to do
Requester
  transfer      create, submit, wait, run (all in one), show, list
  envelope      collect, open, inspect the records that were released
Source
  source        serve: fetch subjects, look them up, deposit, close; pull, push, explain: by files
Counsel
  hold          preview, place, list, show, amend, attach, lift, cancel-lift, restore, history,
                certificate
  notices       list, watch, acknowledge what a requester hears of holds
Custodian
  transfer      dossier, approve, deny, suspend, resume, cap, end, let-go-on
  review        list, show, release, refuse doubtful cases; rerun a verdict
  disposal      preview, revoke, approve, cancel, list, conflicts, authorise,
                certificate
Auditor
  ledger        checkpoint, export, verify, show, non-use, incident
  account       year, affected: who got what
Operator
  agreement     init, check, sign, verify, diff
  pki           init, issue: certificates for a test
  keyslot       status: what the root key lies in; migrate: it moves;
                order, strike-off: one is lost
  backup        create, verify, order, restore copies of the database
  drill         run: destroy made-up records, and try every way back
  sample        made-up people

Options
  --json  --quiet  --verbose  --utc  --timeout 30s  --server HOST:PORT  --exchange NAME

Examples
  holdfast --profile counsel hold preview --everything
  holdfast --profile requester transfer run requests.csv --terms terms.txt \
      --attestation attestation.txt --out results/
  holdfast ledger verify export/ --exchange-id 1f0c4a...

holdfast help COMMAND, holdfast help exit-status, man holdfast(1)
)";
}

std::string ExitStatusHelp() {
  std::string text = "What holdfast tells the shell:\n\n";
  for (const ExitStatusText& row : AllExitStatuses()) {
    text += fmt::format("  {:>3}  {}\n", static_cast<int>(row.status), row.meaning);
  }
  text +=
      "\nA program may depend on these numbers. With --json an error is an object of schema\n"
      "holdfast.cli.v1.Error, whose `reason` says more.\n";
  return text;
}

}  // namespace holdfast::cli
