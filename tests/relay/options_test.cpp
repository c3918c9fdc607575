// What users type, and what they are told when it is wrong.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <fstream>

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "relay_options.hpp"

using namespace spreadit::relay;

namespace {

constexpr const char *live = "spreadit://127.0.0.1:8554/live";
constexpr const char *other = "spreadit://127.0.0.1:8554/other";

Options
parsed (const std::vector<std::string> &arguments)
{
  auto result = parse_options (arguments);
  if (auto *exit = std::get_if<Exit> (&result)) {
    ADD_FAILURE () << exit->text;
    return {};
  }
  return std::get<Options> (result);
}

// The complaint, without the program's name.
std::string
refused (const std::vector<std::string> &arguments)
{
  auto result = parse_options (arguments);
  auto *exit = std::get_if<Exit> (&result);
  if (!exit) {
    ADD_FAILURE () << "accepted";
    return "";
  }
  EXPECT_EQ (exit->status, exit_usage);
  const std::string &text = exit->text;
  EXPECT_EQ (text.find ('\n'), std::string::npos) << "not one line: " << text;
  return text;
}

// A config file that is gone with the test.
class ConfigFile {
public:
  explicit ConfigFile (const std::string &text)
  {
    char *name = nullptr;
    const int fd = g_file_open_tmp ("relay-XXXXXX.conf", &name, nullptr);
    g_close (fd, nullptr);
    path_ = name;
    g_free (name);
    std::ofstream (path_) << text;
  }
  ~ConfigFile () { std::remove (path_.c_str ()); }
  [[nodiscard]] std::string option () const { return "--config=" + path_; }
  [[nodiscard]] const std::string &path () const { return path_; }

private:
  std::string path_;
};

std::string
value (const StreamOptions &stream, const char *name)
{
  auto found = stream.settings.find (name);
  return found == stream.settings.end () ? "(default)" : found->second;
}

} // namespace

TEST (Rate, IsDecimalWithAnOptionalUnit)
{
  EXPECT_EQ (parse_rate ("0"), 0u);
  EXPECT_EQ (parse_rate ("128000"), 128'000u);
  EXPECT_EQ (parse_rate ("500k"), 500'000u);
  EXPECT_EQ (parse_rate ("500K"), 500'000u);
  EXPECT_EQ (parse_rate ("1M"), 1'000'000u);
  EXPECT_EQ (parse_rate ("2.5M"), 2'500'000u);
  EXPECT_EQ (parse_rate ("10G"), 10'000'000'000u);
}

TEST (Rate, RefusesWhatIsNone)
{
  for (const char *text : {"", "M", "-1", "-1k", "1T", "1kb", "1 M", "1e6",
           "nan", "inf", "0x10", "99999999999G", "18446744073709551616"})
    EXPECT_FALSE (parse_rate (text)) << text;
}

TEST (CommandLine, JoinsEachUri)
{
  const Options options = parsed ({live, other});
  ASSERT_EQ (options.streams.size (), 2u);
  EXPECT_EQ (options.streams[0].uri, live);
  EXPECT_EQ (options.streams[1].uri, other);
  EXPECT_TRUE (options.streams[0].publish.empty ());
  EXPECT_TRUE (options.streams[0].settings.empty ()) << "defaults are theirs";
  EXPECT_TRUE (options.stats.empty ());
}

TEST (CommandLine, TakesOptionsBeforeAndAfterTheUri)
{
  const Options options = parsed ({"--listen=0.0.0.0:0", live, "--max-children",
      "8", "--upload-bandwidth=2M", "--add-policy=random",
      "--delete-policy=root-all", "--advertise", "[2001:db8::1]:8554",
      "--linger=500", "--stats=-", "--quiet"});
  ASSERT_EQ (options.streams.size (), 1u);
  const StreamOptions &stream = options.streams[0];
  EXPECT_EQ (value (stream, "listen"), "0.0.0.0:0");
  EXPECT_EQ (value (stream, "max-children"), "8");
  EXPECT_EQ (value (stream, "upload-bandwidth"), "2000000");
  EXPECT_EQ (value (stream, "add-policy"), "random");
  EXPECT_EQ (value (stream, "delete-policy"), "root-all");
  EXPECT_EQ (value (stream, "advertise"), "[2001:db8::1]:8554");
  EXPECT_EQ (value (stream, "linger"), "500");
  EXPECT_EQ (options.stats, "-");
  EXPECT_TRUE (options.quiet);
}

TEST (CommandLine, EverySettingHasARowAndAProperty)
{
  for (const Setting &row : settings ()) {
    EXPECT_EQ (find_setting (row.name), &row);
    EXPECT_NE (std::string (row.property), "");
    EXPECT_LE (std::string (row.help).size (), 46u) << row.help;
  }
  EXPECT_EQ (find_setting ("colour"), nullptr);
}

TEST (CommandLine, PublishMakesItTheSource)
{
  const Options options = parsed ({"--publish=clip.mp4", "--loop", live});
  EXPECT_EQ (options.streams[0].publish, "clip.mp4");
  EXPECT_TRUE (options.streams[0].loop);
}

TEST (CommandLine, AlwaysOnIsForWhatCanBeAway)
{
  const std::string wrong =
      "always-on needs an INPUT that can be away, as rtsp://...";
  for (const char *input : {"rtsp://camera.example/1", "srt://:7001",
           "rtmp://encoder.example/app/1", "https://cdn.example/live.m3u8"}) {
    const std::string publish = std::string ("--publish=") + input;
    EXPECT_TRUE (parsed ({publish, "--always-on", live}).streams[0].always_on)
        << input;
    EXPECT_FALSE (parsed ({publish, live}).streams[0].always_on) << input;
  }
  for (const char *input : {"clip.mp4", "file:///clip.mp4",
           "v4l2:///dev/video0", "test", "rtspsrc location=rtsp://x",
           "urisourcebin uri=http://x/y ! parsebin"})
    EXPECT_EQ (
        refused ({std::string ("--publish=") + input, "--always-on", live}),
        wrong)
        << input;
  EXPECT_EQ (refused ({"--always-on", live}), wrong);
}

TEST (CommandLine, LogIsTextOrJson)
{
  EXPECT_EQ (parsed ({live}).log, Log::Format::text);
  EXPECT_EQ (parsed ({"--log=json", live}).log, Log::Format::json);
  EXPECT_EQ (refused ({"--log=xml", live}), "bad log \"xml\": choose one of text, json");
}

TEST (CommandLine, HelpAndVersionEndWellOnStandardOutput)
{
  for (const char *option : {"--help", "-h", "--version"}) {
    auto result = parse_options ({option});
    auto *exit = std::get_if<Exit> (&result);
    ASSERT_TRUE (exit) << option;
    EXPECT_EQ (exit->status, exit_left) << option;
    EXPECT_NE (exit->text.find ("gst-spreadit-relay"), std::string::npos);
  }
}

TEST (CommandLine, HelpNamesEveryOptionWithin80Columns)
{
  auto result = parse_options ({"--help"});
  const std::string text = std::get<Exit> (result).text;
  for (const Setting &row : settings ())
    EXPECT_NE (text.find (std::string ("--") + row.name), std::string::npos);
  std::istringstream lines (text);
  for (std::string line; std::getline (lines, line);)
    EXPECT_LE (line.size (), 80u) << line;
}

TEST (WrongUsage, SaysWhatAndWhatToDo)
{
  EXPECT_EQ (refused ({}),
      "no stream: give a URI, as spreadit://source.example:8554/live; try "
      "--help");
  EXPECT_EQ (
      refused ({"--colour", live}), "Unknown option --colour; try --help");
  EXPECT_EQ (refused ({live, live}),
      std::string (live) + " is there twice; once is enough");
  EXPECT_EQ (refused ({live, "--max-children=many"}),
      "bad max-children \"many\": give a whole number");
  EXPECT_EQ (refused ({live, "--max-children=-1"}),
      "bad max-children \"-1\": give a whole number");
  EXPECT_EQ (refused ({live, "--max-children=4294967296"}),
      "bad max-children \"4294967296\": give a whole number");
  EXPECT_EQ (refused ({live, "--linger=1.5"}),
      "bad linger \"1.5\": give whole milliseconds");
  EXPECT_EQ (refused ({live, "--upload-bandwidth=fast"}),
      "bad upload-bandwidth \"fast\": give bits per second, as 500k or 2M");
  EXPECT_EQ (refused ({live, "--add-policy=best"}),
      "bad add-policy \"best\": choose one of random, round-robin, "
      "smart-placement, knock-downs, smart-bandwidth, auto");
  EXPECT_EQ (refused ({live, "--delete-policy=best"}),
      "bad delete-policy \"best\": choose one of grandfather, root, "
      "grandfather-all, root-all");
  EXPECT_EQ (refused ({live, other, "--publish=test"}),
      "publish needs exactly one URI; for more, use [stream \"NAME\"] groups "
      "in a config file");
  EXPECT_EQ (refused ({live, "--loop"}), "loop needs --publish=FILE");
}

TEST (WrongUsage, Addresses)
{
  for (const char *text : {"8554", "host", "host:", "host:port", "host:65536",
           "host:-1", "::1:8554", "[::1]", "[::1:8554", "::1]:8554", ""})
    EXPECT_EQ (refused ({live, std::string ("--listen=") + text}),
        std::string ("bad listen \"") + text +
            "\": give HOST:PORT, as 0.0.0.0:8554 or [::]:8554");
  for (const char *text : {":8554", "host:0", "[::]:8554", "10.0.0.1:65535"})
    EXPECT_EQ (
        value (parsed ({live, std::string ("--listen=") + text}).streams[0],
            "listen"),
        text);
}

TEST (WrongUsage, Uris)
{
  for (const char *uri : {"http://host/live", "spreadit://", "live", "",
           "spreadit:///live", "spreadit://host:99999/live"})
    EXPECT_NE (refused ({uri}), "") << uri;
}

TEST (Config, GivesDefaultsAndStreams)
{
  const ConfigFile file ("[relay]\n"
                         "uri=spreadit://a.example/1; spreadit://a.example/2\n"
                         "max-children=8\n"
                         "upload-bandwidth=500k\n"
                         "stats=stats.json\n"
                         "quiet=true\n"
                         "[stream \"tv\"]\n"
                         "uri=spreadit://b.example/tv\n"
                         "max-children=2\n"
                         "publish=test\n");
  const Options options = parsed ({file.option ()});
  ASSERT_EQ (options.streams.size (), 3u);
  EXPECT_EQ (options.streams[0].uri, "spreadit://b.example/tv");
  EXPECT_EQ (options.streams[0].publish, "test");
  EXPECT_EQ (value (options.streams[0], "max-children"), "2");
  EXPECT_EQ (value (options.streams[0], "upload-bandwidth"), "500000");
  EXPECT_EQ (options.streams[1].uri, "spreadit://a.example/1");
  EXPECT_EQ (options.streams[2].uri, "spreadit://a.example/2");
  EXPECT_EQ (value (options.streams[2], "max-children"), "8");
  EXPECT_TRUE (options.streams[2].publish.empty ());
  EXPECT_EQ (options.stats, "stats.json");
  EXPECT_TRUE (options.quiet);
  EXPECT_EQ (options.config, file.path ());
}

TEST (Config, CommandLineWins)
{
  const ConfigFile file ("[relay]\nmax-children=8\nlinger=100\n"
                         "[stream \"tv\"]\nuri=spreadit://b.example/tv\n"
                         "max-children=2\n");
  const Options options = parsed ({file.option (), live, "--max-children=5"});
  ASSERT_EQ (options.streams.size (), 2u);
  for (const StreamOptions &stream : options.streams) {
    EXPECT_EQ (value (stream, "max-children"), "5");
    EXPECT_EQ (value (stream, "linger"), "100");
  }
}

TEST (Config, SaysWhereItIsWrong)
{
  const auto complaint = [] (const std::string &text) {
    const ConfigFile file (text);
    const std::string what = refused ({file.option (), live});
    EXPECT_NE (what.find (file.path ()), std::string::npos) << what;
    return what.substr (what.find (file.path ()) + file.path ().size ());
  };
  EXPECT_EQ (complaint ("[relay]\ncolour=red\n"),
      ": unknown key \"colour\" in [relay]; the keys are the long options of "
      "--help");
  EXPECT_EQ (complaint ("[server]\n"),
      ": unknown group [server]; there are [relay], [stream \"NAME\"] and "
      "[mount \"NAME\"]");
  EXPECT_EQ (complaint ("[stream \"tv\"]\nmax-children=1\n"),
      ": [stream \"tv\"] has no uri");
  EXPECT_EQ (complaint ("[stream \"tv\"]\nuri=spreadit://a/b\nstats=x\n"),
      ": \"stats\" belongs in [relay]");
  EXPECT_NE (complaint ("nonsense\n"), "");
}

TEST (Config, ThatIsNotThereIsWrongUsage)
{
  EXPECT_EQ (refused ({"--config=/no/such/file", live}),
      "cannot read config /no/such/file: No such file or directory");
}

TEST (Reload, AppliesWhatIsLiveAndSaysWhatIsNot)
{
  const Options running = parsed ({live, other, "--max-children=3",
      "--add-policy=random", "--listen=:8554", "--stats=a"});
  const Options wanted = parsed ({live, "spreadit://c.example/new",
      "--max-children=8", "--listen=:9000", "--stats=b"});
  const Reload reload = compare (running, wanted);
  ASSERT_EQ (reload.changes.size (), 2u);
  EXPECT_EQ (reload.changes[0].size (), 2u);
  EXPECT_EQ (reload.changes[0].at ("max-children"), "8");
  EXPECT_EQ (reload.changes[0].at ("add-policy"), "") << "back to its default";
  EXPECT_TRUE (reload.changes[1].empty ());
  EXPECT_EQ (reload.needs_restart,
      (std::vector<std::string>{
          std::string (live) + ": another listen needs a restart",
          std::string (other) + " is gone from the config; restart to leave it",
          "spreadit://c.example/new is new in the config; restart to join it",
          "another stats file needs a restart"}));
}

TEST (Reload, OfTheSameChangesNothing)
{
  const Options options = parsed ({live, "--max-children=3"});
  const Reload reload = compare (options, options);
  ASSERT_EQ (reload.changes.size (), 1u);
  EXPECT_TRUE (reload.changes[0].empty ());
  EXPECT_TRUE (reload.needs_restart.empty ());
}

int
main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  testing::InitGoogleTest (&argc, argv);
  return RUN_ALL_TESTS ();
}

TEST (Http, IsOfTheLoopbackUnlessToldOtherwise)
{
  EXPECT_FALSE (parsed ({live}).http);
  EXPECT_EQ (parsed ({"--http=8080", live}).http,
      (spreadit::http::Address{"127.0.0.1", 8080}));
  EXPECT_EQ (parsed ({"--http=0.0.0.0:8080", live}).http,
      (spreadit::http::Address{"0.0.0.0", 8080}));
  const ConfigFile file ("[relay]\nhttp=[::1]:8080\n");
  EXPECT_EQ (parsed ({file.option (), live}).http,
      (spreadit::http::Address{"::1", 8080}));
  EXPECT_EQ (parsed ({file.option (), "--http=1", live}).http->port, 1u);
}

TEST (Http, RefusesWhatIsNoAddress)
{
  for (const std::string bad : {"", "x", "localhost", "65536", "host:80"})
    EXPECT_EQ (refused ({"--http=" + bad, live}),
        "bad http \"" + bad +
            "\": give a port of this host, as 8080, or a numeric address and a "
            "port, as 0.0.0.0:8080");
  const ConfigFile file (
      "[stream \"x\"]\nuri=" + std::string (other) + "\nhttp=8080\n");
  EXPECT_EQ (refused ({file.option ()}),
      file.path () + ": \"http\" belongs in [relay]");
}

TEST (Http, AnotherAddressNeedsARestart)
{
  const auto changes =
      compare (parsed ({"--http=1", live}), parsed ({"--http=2", live}));
  EXPECT_EQ (changes.needs_restart,
      std::vector<std::string>{"another http address needs a restart"});
}
