// SPDX-License-Identifier: Apache-2.0
#include "client/lookup/command_lookup.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "client/lookup/command_format.h"
#include "client/lookup/internal/child_process.h"

namespace holdfast::client {
namespace {

using internal::ChildProcess;
using Millis = std::chrono::milliseconds;

// How many ends of the program one question may see.
constexpr int kMostAttempts = 3;

// Before a program is started again that had answered nothing.
constexpr Millis kPause{250};

constexpr Millis kEndPatience{5'000};
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

// What is asked about one subject. The query stays the caller's.
struct Question {
  explicit Question(LookupQuery asked) : query(asked) {}

  LookupQuery query;
  int attempts = 0;
  std::optional<Candidates> answer;
};

}  // namespace

class CommandLookup::Talk final {
 public:
  Talk(LookupCommand command, FieldFilter filter, Clock& clock)
      : command_(std::move(command)),
        filter_(std::move(filter)),
        clock_(clock),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    HF_CHECK(!command_.command.empty() && command_.in_flight > 0);
    HF_CHECK(wake_ >= 0);
    thread_ = std::thread([this] { Run(); });
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  ~Talk() {
    {
      const MutexLock lock(mutex_);
      stopped_ = true;
    }
    Wake();
    thread_.join();
    close(wake_);
  }

  // Asks, and waits for all answers.
  absl::Status Ask(std::vector<Question>& questions) {
    const MutexLock lock(mutex_);
    HF_RETURN_IF_ERROR(failed_);
    for (Question& question : questions) waiting_.push_back(&question);
    Wake();
    for (Question& question : questions) {
      while (!question.answer && failed_.ok()) changed_.Wait(mutex_);
      // The talk has let go of all questions by now.
      HF_RETURN_IF_ERROR(failed_);
    }
    return absl::OkStatus();
  }

  std::uint64_t restarts() const {
    const MutexLock lock(mutex_);
    return restarts_;
  }

 private:
  void Wake() const {
    const std::uint64_t one = 1;
    // Fails only where it is awake already.
    (void)!write(wake_, &one, sizeof one);
  }

  void Run() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      const absl::Status status = Turn();
      if (!status.ok()) Fail(status);
      const MutexLock lock(mutex_);
      if (stopped_) break;
    }
    if (child_) child_->End(kEndPatience);
  }

  // One round: start what is needed, send what may be sent, wait, read.
  absl::Status Turn() {
    const bool work = Work();
    if (work && !child_ && clock_.SinceBoot() >= not_before_) {
      HF_RETURN_IF_ERROR(StartProgram());
    }
    if (child_ && greeted_) TakeQuestions();
    if (child_ && !unsent_.empty()) Send();

    std::array<pollfd, 3> ready = {pollfd{wake_, POLLIN, 0}, pollfd{-1, POLLIN, 0},
                                   pollfd{-1, POLLOUT, 0}};
    if (child_) {
      ready[1].fd = child_->output();
      if (!unsent_.empty()) ready[2].fd = child_->input();
    }
    if (poll(ready.data(), ready.size(), Timeout(work)) < 0 && errno != EINTR) {
      return MakeError(Reason::kInternal, "cannot wait for the lookup command");
    }
    std::uint64_t count = 0;
    (void)!read(wake_, &count, sizeof count);
    if (!child_) return absl::OkStatus();
    if (ready[1].revents != 0) HF_RETURN_IF_ERROR(Receive());
    if (child_ && Waits() && clock_.SinceBoot() - progress_ >= command_.patience) {
      return ProgramEnded("gave no answer for " + std::to_string(command_.patience.count()) +
                          " ms");
    }
    return absl::OkStatus();
  }

  // Whether there is anything to ask, or to ask again.
  bool Work() {
    const MutexLock lock(mutex_);
    return failed_.ok() && (!waiting_.empty() || !open_.empty());
  }

  // Whether the program owes us a line.
  bool Waits() const { return !greeted_ || !open_.empty(); }

  int Timeout(bool work) const {
    const Millis now = clock_.SinceBoot();
    Millis left{-1};
    if (child_ && Waits()) {
      left = std::max(Millis(0), progress_ + command_.patience - now);
    } else if (!child_ && work) {
      left = std::max(Millis(0), not_before_ - now);
    }
    return static_cast<int>(left.count());
  }

  absl::Status StartProgram() {
    HF_ASSIGN_OR_RETURN(child_, ChildProcess::Start(command_.command));
    greeted_ = false;
    answered_ = false;
    received_.clear();
    unsent_ = CommandGreeting();
    progress_ = clock_.SinceBoot();
    return absl::OkStatus();
  }

  void TakeQuestions() {
    const MutexLock lock(mutex_);
    while (open_.size() < command_.in_flight && !waiting_.empty()) {
      Question* const question = waiting_.front();
      waiting_.pop_front();
      if (open_.empty()) progress_ = clock_.SinceBoot();
      unsent_ += CommandQuestion(++last_id_, question->query);
      open_.emplace(last_id_, question);
    }
  }

  // A program that has ended is noticed where its output ends.
  void Send() {
    const ssize_t sent = write(child_->input(), unsent_.data(), unsent_.size());
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno == EPIPE) unsent_.clear();
  }

  absl::Status Receive() {
    std::array<char, kReadBytes> block;
    const ssize_t count = read(child_->output(), block.data(), block.size());
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return absl::OkStatus();
      return MakeError(Reason::kInternal, "cannot read from the lookup command");
    }
    if (count == 0) return ProgramEnded("ended");
    received_.append(block.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (;;) {
      const std::size_t end = received_.find('\n', begin);
      if (end == std::string::npos) break;
      ++lines_;
      const absl::Status taken = TakeLine(std::string_view(received_).substr(begin, end - begin));
      if (!taken.ok()) return AddMetadata(taken, "line", std::to_string(lines_));
      begin = end + 1;
    }
    received_.erase(0, begin);
    if (received_.size() > kMaxAnswerBytes) {
      return MakeError(Reason::kRequestTooLarge,
                       "the lookup command prints a line that is too long");
    }
    return absl::OkStatus();
  }

  absl::Status TakeLine(std::string_view line) {
    progress_ = clock_.SinceBoot();
    if (!greeted_) {
      HF_RETURN_IF_ERROR(CheckGreeting(line));
      greeted_ = true;
      failed_greetings_ = 0;
      return absl::OkStatus();
    }
    HF_ASSIGN_OR_RETURN(CommandAnswer answer, ReadAnswer(line, filter_));
    const auto open = open_.find(answer.id);
    if (open == open_.end()) {
      return MakeError(Reason::kRequestMalformed,
                       "the lookup command answers what is not asked, or is answered already");
    }
    if (!answer.error.empty()) {
      return AddMetadata(
          AddMetadata(MakeError(Reason::kUnavailable, "the lookup command cannot tell"), "row",
                      std::to_string(open->second->query.subject.row())),
          "lookup_error", answer.error);
    }
    answered_ = true;
    Question* const question = open->second;
    open_.erase(open);
    const MutexLock lock(mutex_);
    question->answer = std::move(answer.candidates);
    changed_.NotifyAll();
    return absl::OkStatus();
  }

  // Ends the program, and puts what it left open before what waits.
  absl::Status ProgramEnded(const std::string& how) {
    const std::string status = child_->End(Millis(0));
    child_.reset();
    unsent_.clear();
    // With nothing open it may come and go as it likes.
    if (!Waits()) return absl::OkStatus();
    int attempts = greeted_ ? 0 : ++failed_greetings_;
    for (auto& [id, question] : open_) attempts = std::max(attempts, ++question->attempts);
    if (attempts >= kMostAttempts) {
      return AddMetadata(AddMetadata(MakeError(Reason::kUnavailable, "the lookup command " + how),
                                     "program", status),
                         "attempts", std::to_string(attempts));
    }
    not_before_ = clock_.SinceBoot() + (answered_ ? Millis(0) : kPause);
    const MutexLock lock(mutex_);
    ++restarts_;
    for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
      waiting_.push_front(open->second);
    }
    open_.clear();
    return absl::OkStatus();
  }

  void Fail(const absl::Status& status) {
    if (child_) child_->End(Millis(0));
    child_.reset();
    unsent_.clear();
    open_.clear();
    const MutexLock lock(mutex_);
    waiting_.clear();
    if (failed_.ok()) failed_ = status;
    changed_.NotifyAll();
  }

  // Constant after construction.
  const LookupCommand command_;
  const FieldFilter filter_;
  Clock& clock_;
  const int wake_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Question*> waiting_ HF_GUARDED_BY(mutex_);
  absl::Status failed_ HF_GUARDED_BY(mutex_);
  std::uint64_t restarts_ HF_GUARDED_BY(mutex_) = 0;
  bool stopped_ HF_GUARDED_BY(mutex_) = false;

  // Of the talk's thread.
  std::unique_ptr<ChildProcess> child_;
  std::map<std::uint64_t, Question*> open_;  // At most in_flight.
  std::string unsent_;                       // At most what in_flight questions take.
  std::string received_;                     // Less than a line and a block.
  std::uint64_t last_id_ = 0;
  std::uint64_t lines_ = 0;
  int failed_greetings_ = 0;
  bool greeted_ = true;  // False from a start to the greeting.
  bool answered_ = false;
  Millis progress_{0};    // When the program last said something, or was first asked.
  Millis not_before_{0};  // When it may be started again.

  std::thread thread_;
};

CommandLookup::CommandLookup(LookupCommand command, FieldFilter filter, Clock& clock)
    : talk_(std::make_unique<Talk>(std::move(command), std::move(filter), clock)) {}

CommandLookup::~CommandLookup() = default;

absl::StatusOr<Candidates> CommandLookup::Find(const LookupQuery& query) {
  std::vector<Question> questions = {Question(query)};
  HF_RETURN_IF_ERROR(talk_->Ask(questions));
  return *std::move(questions.front().answer);
}

absl::StatusOr<std::vector<Candidates>> CommandLookup::FindAll(
    const v1::FetchSubjectsResponse& chunk) {
  std::vector<Question> questions;
  questions.reserve(static_cast<std::size_t>(chunk.subjects_size()));
  for (const v1::AcceptedSubject& subject : chunk.subjects()) {
    questions.emplace_back(LookupQuery{subject, chunk.periods()});
  }
  HF_RETURN_IF_ERROR(talk_->Ask(questions));
  std::vector<Candidates> found;
  found.reserve(questions.size());
  for (Question& question : questions) found.push_back(*std::move(question.answer));
  return found;
}

std::uint64_t CommandLookup::restarts() const { return talk_->restarts(); }

}  // namespace holdfast::client
