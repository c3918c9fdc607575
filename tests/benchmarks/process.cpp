// SPDX-License-Identifier: LGPL-2.1-or-later
#include "process.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace spreadit::benchmark {

Process::Process (std::vector<std::string> arguments)
{
  std::vector<char *> argv;
  for (std::string &argument : arguments)
    argv.push_back (argument.data ());
  argv.push_back (nullptr);
  pid_ = fork ();
  if (pid_ == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    // The harness itself wants no plug-ins; they are relays and do.
    unsetenv ("GST_REGISTRY_DISABLE");
    unsetenv ("GST_PLUGIN_SYSTEM_PATH_1_0");
    const int null = open ("/dev/null", O_WRONLY);
    dup2 (null, STDOUT_FILENO);
    if (!getenv ("SPREADIT_BENCHMARK_VERBOSE"))
      dup2 (null, STDERR_FILENO);
    execvp (argv[0], argv.data ());
    _exit (127);
  }
  clock_getcpuclockid (pid_, &clock_);
}

Process::~Process ()
{
  if (pid_ < 0)
    return;
  kill (pid_, SIGKILL);
  waitpid (pid_, nullptr, 0);
}

bool
Process::is_running () const
{
  siginfo_t info{};
  return waitid (P_PID, static_cast<id_t> (pid_), &info,
             WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

double
Process::cpu_seconds () const
{
  timespec spent{};
  clock_gettime (clock_, &spent);
  return static_cast<double> (spent.tv_sec) +
         static_cast<double> (spent.tv_nsec) / 1e9;
}

double
Process::cpu_seconds (const std::string &thread_name) const
{
  double sum = 0;
  const auto tasks = "/proc/" + std::to_string (pid_) + "/task";
  std::error_code error;
  for (const auto &task : std::filesystem::directory_iterator (tasks, error)) {
    std::string name;
    double ns = 0;
    std::getline (std::ifstream (task.path () / "comm"), name);
    if (std::ifstream (task.path () / "schedstat") >> ns &&
        name.starts_with (thread_name))
      sum += ns / 1e9;
  }
  return sum;
}

} // namespace spreadit::benchmark
