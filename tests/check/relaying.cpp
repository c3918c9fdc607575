// Peers that pass the stream on, and what their children notice when they stop:
// nothing.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>
#include <string>

#include "loopback.hpp"

using namespace loopback;

namespace {

std::string
listens_on (GstSpreaditPeeringManager *manager)
{
  const std::string uri = uri_of (manager); // spreadit://127.0.0.1:PORT/live
  return uri.substr (11, uri.rfind ('/') - 11);
}

constexpr const char *here = " listen-address=127.0.0.1:0 ";

// `description` with the properties where it says PEER.
std::string
as_peer (std::string description, const std::string &uri)
{
  return description.replace (description.find ("PEER"), 4,
      std::string ("name=m") + here + "uri=" + uri);
}

// A source with room for one child, a peer below it, and the viewer below that.
struct Chain {
  TestSource source{"max-children=1"};
  Pipeline middle;
  Viewer viewer;

  explicit Chain (const std::string &middle_description)
      : middle (as_peer (middle_description, source.uri ())),
        viewer (source.uri (), here)
  {
    Signal fed (source.manager (), "child-added");
    middle.play ();
    fed.wait ();
    viewer.play ();
    viewer.wait_for (10);
    fail_unless (viewer.parent () == listens_on (middle.manager ("m")),
        "the parent is %s", viewer.parent ().c_str ());
  }
};

} // namespace

GST_START_TEST (test_through_a_relay)
{
  Chain chain ("spreaditrelay PEER");
  fail_unless_equals_int (chain.viewer.missing (), 0);
  GstStructure *stats = nullptr;
  g_object_get (chain.middle["m"], "stats", &stats, nullptr);
  guint level = 0;
  fail_unless (gst_structure_get_uint (stats, "level", &level));
  fail_unless_equals_int (level, 1);
  gst_structure_free (stats);
}
GST_END_TEST;

// Where nobody looks there are no buffers. Somebody may look at any time.
GST_START_TEST (test_buffers_for_whom_looks)
{
  Chain chain ("spreaditrelay PEER");
  for (int time = 0; time < 2; ++time) {
    GstElement *inner =
        gst_bin_get_by_name (GST_BIN (chain.middle["m"]), "fanout");
    {
      Tap tap (inner, "sink");
      tap.wait_for (60);
      fail_unless_equals_int (tap.missing (), 0);
    }
    gst_object_unref (inner);
    chain.viewer.wait_for (60);
  }
  fail_unless_equals_int (chain.viewer.missing (), 0);
}
GST_END_TEST;

GST_START_TEST (test_through_a_viewer)
{
  Chain chain ("spreaditsrc PEER");
  fail_unless_equals_int (chain.viewer.missing (), 0);
}
GST_END_TEST;

// An application's own relay, of the two inner elements.
GST_START_TEST (test_through_intake_and_fanout)
{
  Chain chain ("spreaditintake PEER ! queue ! spreaditfanout");
}
GST_END_TEST;

// Who pauses does not make others pause.
GST_START_TEST (test_relays_in_paused)
{
  for (const char *element : {"spreaditrelay PEER", "spreaditsrc PEER"}) {
    Chain chain (element);
    fail_unless_equals_int (
        chain.middle.set_state (GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
    chain.viewer.wait_for (60);
    chain.middle.play ();
    chain.viewer.wait_for (10);
    fail_unless_equals_int (chain.viewer.missing (), 0);
  }
}
GST_END_TEST;

// Nor who is stuck.
GST_START_TEST (test_relays_although_the_player_hangs)
{
  Chain chain ("spreaditsrc PEER ! fakesink name=f sync=false");
  GstPad *pad = gst_element_get_static_pad (chain.middle["f"], "sink");
  const gulong block = gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [] (GstPad *, GstPadProbeInfo *, gpointer) { return GST_PAD_PROBE_OK; },
      nullptr, nullptr);
  chain.viewer.wait_for (60);
  fail_unless_equals_int (chain.viewer.missing (), 0);
  gst_pad_remove_probe (pad, block);
  gst_object_unref (pad);
}
GST_END_TEST;

GST_START_TEST (test_nothing_is_missed_when_a_relay_leaves)
{
  for (const char *element : {"spreaditrelay PEER", "spreaditsrc PEER"}) {
    Chain chain (element);
    const std::string old_parent = chain.viewer.parent ();
    Signal moved (chain.viewer.manager (), "parent-changed");
    fail_unless_equals_int (
        chain.middle.set_state (GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    moved.wait ();
    chain.viewer.wait_for (60);
    fail_if (chain.viewer.parent () == old_parent);
    fail_unless_equals_int (chain.viewer.missing (), 0);
    fail_unless (chain.viewer.pipeline ().none ([] (GstMessage *message) {
      return GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR ||
             GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
    }));
  }
}
GST_END_TEST;

// Without a word: the links are cut.
GST_START_TEST (test_nothing_restarts_when_a_relay_fails)
{
  Chain chain ("spreaditrelay PEER");
  const auto &pads = chain.viewer.wait_pads ();
  const std::size_t n_pads = pads.size ();
  const auto ssrcs = pads[0].tap->ssrcs ();
  gst_spreadit_peering_manager_close (chain.middle.manager ("m"));
  gst_structure_free (
      chain.viewer.pipeline ().wait_element_message ("spreadit-transient"));
  GstStructure *recovered =
      chain.viewer.pipeline ().wait_element_message ("spreadit-recovered");
  guint64 ms = G_MAXUINT64;
  fail_unless (gst_structure_get_uint64 (recovered, "transience-ms", &ms));
  fail_unless (ms < 10000, "%" G_GUINT64_FORMAT " ms", ms);
  gst_structure_free (recovered);
  chain.viewer.wait_for (60);
  fail_unless_equals_int (chain.viewer.wait_pads ().size (), n_pads);
  fail_unless (pads[0].tap->ssrcs () == ssrcs);
  fail_unless_equals_int (chain.viewer.missing (), 0);
}
GST_END_TEST;

// A source that is killed and started again makes other RTP: another SSRC,
// other sequence numbers. Who watches it stays on the same pads.
GST_START_TEST (test_a_source_that_begins_again)
{
  auto source = std::make_unique<OtherProcess> ();
  const int port = source->port ();
  Viewer viewer (source->uri ());
  viewer.play ();
  viewer.wait_for (10);
  const auto &pads = viewer.wait_pads ();
  const std::size_t n_pads = pads.size ();
  source.reset ();
  gst_structure_free (
      viewer.pipeline ().wait_element_message ("spreadit-transient"));

  OtherProcess again (port);
  gst_structure_free (
      viewer.pipeline ().wait_element_message ("spreadit-recovered"));
  viewer.wait_for (30);
  fail_unless_equals_int (viewer.wait_pads ().size (), n_pads);
  for (const auto &pad : pads)
    fail_unless_equals_int (pad.tap->ssrcs ().size (), 2);
}
GST_END_TEST;

GST_START_TEST (test_who_does_not_relay_has_no_children)
{
  for (const char *how : {"relay=false", "max-children=0"}) {
    TestSource source ("max-children=1", false);
    Signal fed (source.manager (), "child-added");
    Viewer first (source.uri (), how);
    first.play ();
    fed.wait ();
    Pipeline second ("spreaditrelay max-tries=2 uri=" + source.uri ());
    second.play ();
    GError *error = second.wait_error ();
    fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
                     GST_RESOURCE_ERROR_NO_SPACE_LEFT),
        "%s", error->message);
    g_error_free (error);
  }
}
GST_END_TEST;

// All of them, while the stream runs, at the source and at a relay; whoever
// watches misses nothing.
GST_START_TEST (test_policies_change_while_it_plays)
{
  Chain chain ("spreaditrelay PEER");
  for (const char *property :
      {"add-policy", "second-add-policy", "delete-policy"})
    for (auto *object :
        {G_OBJECT (chain.middle["m"]), G_OBJECT (chain.source.manager ())}) {
      GParamSpec *spec =
          g_object_class_find_property (G_OBJECT_GET_CLASS (object), property);
      const GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;
      for (guint i = 0; i < values->n_values; ++i) {
        const char *nick = values->values[i].value_nick;
        gst_util_set_object_arg (object, property, nick);
        GstStructure *stats = nullptr;
        g_object_get (object, "stats", &stats, nullptr);
        fail_unless_equals_string (
            gst_structure_get_string (stats, property), nick);
        gst_structure_free (stats);
      }
    }
  chain.viewer.wait_for (60);
  fail_unless_equals_int (chain.viewer.missing (), 0);
}
GST_END_TEST;

static Suite *
relaying_suite ()
{
  Suite *suite = suite_create ("relaying");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_through_a_relay);
  tcase_add_test (tc, test_buffers_for_whom_looks);
  tcase_add_test (tc, test_through_a_viewer);
  tcase_add_test (tc, test_through_intake_and_fanout);
  tcase_add_test (tc, test_relays_in_paused);
  tcase_add_test (tc, test_relays_although_the_player_hangs);
  tcase_add_test (tc, test_nothing_is_missed_when_a_relay_leaves);
  tcase_add_test (tc, test_nothing_restarts_when_a_relay_fails);
  tcase_add_test (tc, test_a_source_that_begins_again);
  tcase_add_test (tc, test_policies_change_while_it_plays);
  tcase_add_test (tc, test_who_does_not_relay_has_no_children);
  return suite;
}

GST_CHECK_MAIN (relaying);
