// Joining and leaving over and over in one process.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include <dirent.h>

#include "loopback.hpp"

using namespace loopback;

namespace {

constexpr int cycles = 100;
constexpr const char *quick = "latency=20";

unsigned
open_files ()
{
  unsigned n = 0;
  DIR *folder = opendir ("/proc/self/fd");
  fail_unless (folder);
  while (readdir (folder))
    ++n;
  closedir (folder);
  return n;
}

} // namespace

// Everything is made anew each time.
GST_START_TEST (test_viewers_come_and_go)
{
  TestSource source;
  unsigned before = 0;
  for (int i = 0; i < cycles; ++i) {
    Viewer viewer (source.uri (), quick);
    viewer.play ();
    viewer.wait_for (1);
    if (i == 10)
      before = open_files ();
  }
  fail_unless (open_files () <= before + 5, "%u open files, now %u", before,
      open_files ());
}
GST_END_TEST;

// The same elements each time.
GST_START_TEST (test_a_viewer_comes_and_goes)
{
  TestSource source;
  Viewer viewer (source.uri (), quick);
  for (int i = 0; i < cycles / 4; ++i) {
    viewer.play ();
    viewer.wait_for (1);
    viewer.stop ();
  }
}
GST_END_TEST;

GST_START_TEST (test_a_source_comes_and_goes)
{
  Pipeline source (
      "spreaditsink name=s uri=spreadit://127.0.0.1:0/live "
      "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=64,"
      "framerate=30/1 ! jpegenc ! s.");
  for (int i = 0; i < cycles / 10; ++i) {
    Signal described (source.manager ("s"), "media-changed");
    source.play ();
    described.wait ();
    Viewer viewer (uri_of (source.manager ("s")), quick);
    viewer.play ();
    viewer.wait_for (2);
    source.set_state (GST_STATE_READY);
    viewer.pipeline ().wait_eos ();
  }
}
GST_END_TEST;

// Stopped at any moment of joining.
GST_START_TEST (test_impatient_viewers)
{
  TestSource source;
  for (int i = 0; i < cycles / 2; ++i) {
    Pipeline viewer (
        "spreaditsrc name=v uri=" + source.uri () + " ! fakesink sync=false");
    viewer.play ();
    // From nothing to some ten milliseconds of it.
    for (int turns = 0; turns < i; ++turns) {
      GstStructure *stats =
          gst_spreadit_peering_manager_get_stats (viewer.manager ("v"));
      gst_structure_free (stats);
    }
  }
}
GST_END_TEST;

static Suite *
cycles_suite ()
{
  Suite *suite = suite_create ("cycles");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 300);
  tcase_add_test (tc, test_viewers_come_and_go);
  tcase_add_test (tc, test_a_viewer_comes_and_goes);
  tcase_add_test (tc, test_a_source_comes_and_goes);
  tcase_add_test (tc, test_impatient_viewers);
  return suite;
}

GST_CHECK_MAIN (cycles);
