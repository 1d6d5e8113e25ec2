// SPDX-License-Identifier: Apache-2.0
// The nouns. Each function declares the commands of one, and is in the file of that name.
//
// Threads      Not safe for concurrent use.
// Ownership    What a command's arguments are written to is owned by its action.
// Errors       None here.
#pragma once

#include "cli/command_line.h"

namespace holdfast::cli {

void DeclareAccount(Command root);
void DeclareAgreement(Command root);
void DeclareBackup(Command root);
void DeclareDisposal(Command root);
void DeclareDoctor(Command root);
void DeclareDrill(Command root);
void DeclareEnvelope(Command root);
void DeclareHold(Command root);
void DeclareIdentity(Command root);
void DeclareKeyslot(Command root);
void DeclareLedger(Command root);
void DeclareNotices(Command root);
void DeclareOrder(Command root);
void DeclarePki(Command root);
void DeclareReview(Command root);
void DeclareSample(Command root);
void DeclareSource(Command root);
void DeclareStatus(Command root);
void DeclareTransfer(Command root);

}  // namespace holdfast::cli
