// What the elements look like: properties, pads, URIs, children. No network.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstring>
#include <set>
#include <string>

#include <gst/check/gstcheck.h>
#include <gst/spreadit/spreadit.h>

namespace {

const char *const all[] = {"spreaditsrc", "spreaditsink", "spreaditrelay",
    "spreaditintake", "spreaditfanout"};
const char *const peers[] = {"spreaditsrc", "spreaditrelay", "spreaditintake"};

GstElement *
make (const char *factory)
{
  GstElement *element = gst_element_factory_make (factory, nullptr);
  fail_unless (element, "there is no %s", factory);
  return GST_ELEMENT (gst_object_ref_sink (element));
}

void
check_template (const char *factory, const char *name,
    GstPadDirection direction, GstPadPresence presence, const char *caps_of_it)
{
  GstElement *element = make (factory);
  GstPadTemplate *templ = gst_element_get_pad_template (element, name);
  fail_unless (templ, "%s has no %s", factory, name);
  fail_unless_equals_int (GST_PAD_TEMPLATE_DIRECTION (templ), direction);
  fail_unless_equals_int (GST_PAD_TEMPLATE_PRESENCE (templ), presence);
  GstCaps *caps = gst_pad_template_get_caps (templ);
  GstCaps *wanted = gst_caps_from_string (caps_of_it);
  fail_unless (gst_caps_is_equal (caps, wanted));
  gst_caps_unref (wanted);
  gst_caps_unref (caps);
  gst_object_unref (element);
}

GError *
set_uri (GstElement *element, const char *uri)
{
  GError *error = nullptr;
  const gboolean ok =
      gst_uri_handler_set_uri (GST_URI_HANDLER (element), uri, &error);
  fail_unless_equals_int (ok, error == nullptr);
  return error;
}

} // namespace

GST_START_TEST (test_every_element_can_be_made_and_thrown_away)
{
  for (const char *factory : all) {
    GstElement *element = make (factory);
    ASSERT_OBJECT_REFCOUNT (element, factory, 1);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
        GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_NULL),
        GST_STATE_CHANGE_SUCCESS);
    gst_object_unref (element);
  }
}
GST_END_TEST;

GST_START_TEST (test_pad_templates)
{
  const char *bundle = "application/x-spreadit-bundle";
  check_template ("spreaditsrc", "stream_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
      "application/x-rtp");
  check_template (
      "spreaditsink", "sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, "ANY");
  check_template ("spreaditintake", "src", GST_PAD_SRC, GST_PAD_ALWAYS, bundle);
  check_template ("spreaditfanout", "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
      "application/x-spreadit-bundle; application/x-rtp; application/x-rtcp");
}
GST_END_TEST;

GST_START_TEST (test_rank_and_class)
{
  GstElementFactory *factory = gst_element_factory_find ("spreaditsrc");
  fail_unless_equals_int (
      gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)),
      GST_RANK_PRIMARY);
  fail_unless_equals_string (
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS),
      "Source/Network");
  gst_object_unref (factory);
}
GST_END_TEST;

// DESIGN: "both where they apply".
GST_START_TEST (test_session_properties_reach_the_manager)
{
  for (const char *factory : peers) {
    GstElement *element = make (factory);
    g_object_set (element, "uri", "spreadit://127.0.0.1:9/x", "listen-address",
        "127.0.0.1:0", "max-children", 7u, "relay", FALSE, "upload-bandwidth",
        G_GUINT64_CONSTANT (5000000000), "delete-policy",
        GST_SPREADIT_DELETE_POLICY_ROOT_ALL, "max-tries", 5u, nullptr);
    GstSpreaditPeeringManager *manager = nullptr;
    g_object_get (element, "manager", &manager, nullptr);
    gchar *uri = nullptr, *listen = nullptr;
    guint max_children = 0, max_tries = 0;
    gboolean relay = TRUE;
    guint64 upload = 0;
    GstSpreaditDeletePolicy policy = GST_SPREADIT_DELETE_POLICY_ROOT;
    g_object_get (manager, "uri", &uri, "listen-address", &listen,
        "max-children", &max_children, "relay", &relay, "upload-bandwidth",
        &upload, "delete-policy", &policy, "max-tries", &max_tries, nullptr);
    fail_unless_equals_string (uri, "spreadit://127.0.0.1:9/x");
    fail_unless_equals_string (listen, "127.0.0.1:0");
    fail_unless_equals_int (max_children, 7);
    fail_unless_equals_int (max_tries, 5);
    fail_if (relay);
    fail_unless_equals_uint64 (upload, G_GUINT64_CONSTANT (5000000000));
    fail_unless_equals_int (policy, GST_SPREADIT_DELETE_POLICY_ROOT_ALL);
    g_free (uri);
    g_free (listen);
    g_object_set (manager, "max-children", 2u, nullptr);
    g_object_get (element, "max-children", &max_children, nullptr);
    fail_unless_equals_int (max_children, 2);
    gst_object_unref (manager);
    gst_object_unref (element);
  }
}
GST_END_TEST;

GST_START_TEST (test_a_source_has_no_properties_of_a_searcher)
{
  GstElement *sink = make ("spreaditsink");
  auto *klass = G_OBJECT_GET_CLASS (sink);
  fail_if (g_object_class_find_property (klass, "max-tries"));
  fail_if (g_object_class_find_property (klass, "relay"));
  fail_unless (g_object_class_find_property (klass, "max-children"));
  fail_unless (g_object_class_find_property (klass, "stats"));
  gst_object_unref (sink);
}
GST_END_TEST;

// Every blurb of ours says something, and every default is within its range.
GST_START_TEST (test_properties_read_well)
{
  for (const char *factory : all) {
    GstElement *element = make (factory);
    guint n = 0;
    GParamSpec **specs =
        g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
    for (guint i = 0; i < n; ++i) {
      if (specs[i]->owner_type != G_OBJECT_TYPE (element))
        continue;
      fail_unless (std::strlen (g_param_spec_get_blurb (specs[i])) > 10,
          "%s:%s", factory, specs[i]->name);
      GValue value = G_VALUE_INIT;
      g_value_init (&value, specs[i]->value_type);
      g_param_value_set_default (specs[i], &value);
      fail_if (g_param_value_validate (specs[i], &value));
      g_value_unset (&value);
    }
    g_free (specs);
    gst_object_unref (element);
  }
}
GST_END_TEST;

// What gst-inspect-1.0 prints beside each value: a nick to type, and a
// description instead of the name that C has for it.
GST_START_TEST (test_enum_values_are_described)
{
  std::set<std::string> seen;
  for (const char *factory : all) {
    GstElement *element = make (factory);
    guint n = 0;
    GParamSpec **specs =
        g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
    for (guint i = 0; i < n; ++i) {
      if (!G_IS_PARAM_SPEC_ENUM (specs[i]) ||
          !g_str_has_prefix (g_type_name (specs[i]->value_type), "GstSpreadit"))
        continue;
      seen.insert (specs[i]->name);
      const GEnumClass *values = G_PARAM_SPEC_ENUM (specs[i])->enum_class;
      std::set<std::string> descriptions;
      for (guint k = 0; k < values->n_values; ++k) {
        const GEnumValue &value = values->values[k];
        fail_unless (std::strchr (value.value_name, ' ') &&
                         g_ascii_isupper (value.value_name[0]) &&
                         !g_str_has_prefix (value.value_name, "GST_"),
            "%s:%s: %s", factory, specs[i]->name, value.value_name);
        fail_unless (
            std::strspn (value.value_nick, "abcdefghijklmnopqrstuvwxyz-") ==
                std::strlen (value.value_nick),
            "%s:%s: %s", factory, specs[i]->name, value.value_nick);
        descriptions.insert (value.value_name);
      }
      fail_unless_equals_int (descriptions.size (), values->n_values);
    }
    g_free (specs);
    gst_object_unref (element);
  }
  const std::set<std::string> wanted{
      "add-policy", "second-add-policy", "delete-policy", "proximity"};
  fail_unless (seen == wanted);
}
GST_END_TEST;

GST_START_TEST (test_source_is_live_and_says_so)
{
  GstElement *element = make ("spreaditsrc");
  gboolean is_live = FALSE;
  guint latency = 0;
  g_object_get (element, "is-live", &is_live, "latency", &latency, nullptr);
  fail_unless (is_live);
  fail_unless_equals_int (latency, 500);
  fail_unless (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SOURCE));
  fail_if (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK));
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_stats_are_there_before_anything_runs)
{
  for (const char *factory : {"spreaditsrc", "spreaditsink", "spreaditrelay"}) {
    GstElement *element = make (factory);
    GstStructure *stats = nullptr;
    g_object_get (element, "stats", &stats, nullptr);
    fail_unless (stats, "%s has no stats", factory);
    fail_unless_equals_string (
        gst_structure_get_string (stats, "state"), "idle");
    gst_structure_free (stats);
    gst_object_unref (element);
  }
}
GST_END_TEST;

GST_START_TEST (test_uri_handler_takes_what_it_can_play)
{
  fail_unless (gst_uri_protocol_is_supported (GST_URI_SRC, "spreadit"));
  fail_unless (gst_uri_protocol_is_supported (GST_URI_SRC, "spreadits"));
  GError *error = nullptr;
  GstElement *element = gst_element_make_from_uri (
      GST_URI_SRC, "spreadit://host.example:8554/live", nullptr, &error);
  fail_unless (element, "%s", error ? error->message : "");
  gst_object_ref_sink (element);
  gchar *uri = gst_uri_handler_get_uri (GST_URI_HANDLER (element));
  fail_unless_equals_string (uri, "spreadit://host.example:8554/live");
  g_free (uri);
  gst_object_unref (element);
}
GST_END_TEST;

// In one line, with what is wrong.
GST_START_TEST (test_uri_handler_refuses_what_it_cannot)
{
  GstElement *element = make ("spreaditsrc");
  const char *bad[] = {"spreadit://", "spreadit:///live", "spreadit://host",
      "spreadit://host:99999/live", "spreadit://host:port/live",
      "spreadit://ho st/live"};
  for (const char *uri : bad) {
    GError *error = set_uri (element, uri);
    fail_unless (error, "%s", uri);
    fail_unless (g_error_matches (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI),
        "%s: %s", uri, error->message);
    fail_unless (std::strlen (error->message) > 10);
    fail_if (std::strchr (error->message, '\n'));
    g_error_free (error);
  }
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_fanout_alone_says_what_it_misses)
{
  GstElement *pipeline = gst_parse_launch (
      "fakesrc num-buffers=1 ! application/x-rtp ! spreaditfanout", nullptr);
  GstBus *bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstMessage *message =
      gst_bus_timed_pop_filtered (bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (message);
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  fail_unless (
      std::strstr (error->message, "peering manager"), "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}
GST_END_TEST;

// Also across a queue, and not the neighbour's.
GST_START_TEST (test_fanout_finds_the_manager_of_its_intake)
{
  GstElement *pipeline = gst_parse_launch (
      "spreaditintake name=i1 ! queue ! spreaditfanout name=f1 "
      "spreaditintake name=i2 ! spreaditfanout name=f2",
      nullptr);
  for (const char *number : {"1", "2"}) {
    GstElement *intake = gst_bin_get_by_name (
        GST_BIN (pipeline), (std::string ("i") + number).c_str ());
    GstPad *pad = gst_element_get_static_pad (intake, "src");
    GstQuery *query = gst_query_new_context ("gst.spreadit.PeeringManager");
    fail_unless (gst_pad_query (pad, query));
    GstContext *context = nullptr;
    gst_query_parse_context (query, &context);
    GstSpreaditPeeringManager *found = nullptr, *own = nullptr;
    gst_structure_get (gst_context_get_structure (context), "manager",
        GST_TYPE_SPREADIT_PEERING_MANAGER, &found, nullptr);
    g_object_get (intake, "manager", &own, nullptr);
    fail_unless (found == own);
    gst_object_unref (found);
    gst_object_unref (own);
    gst_query_unref (query);
    gst_object_unref (pad);
    gst_object_unref (intake);
  }
  gst_object_unref (pipeline);
}
GST_END_TEST;

// gst-launch reaches a pad's payloader by `sink_0::payloader=...`.
GST_START_TEST (test_pads_of_the_sink_are_children)
{
  GstElement *sink = make ("spreaditsink");
  auto *proxy = GST_CHILD_PROXY (sink);
  fail_unless_equals_int (gst_child_proxy_get_children_count (proxy), 0);
  GstPad *zeroth = gst_element_request_pad_simple (sink, "sink_%u");
  GstPad *fifth = gst_element_request_pad_simple (sink, "sink_5");
  fail_unless_equals_string (GST_PAD_NAME (zeroth), "sink_0");
  fail_unless_equals_string (GST_PAD_NAME (fifth), "sink_5");
  fail_unless_equals_int (gst_child_proxy_get_children_count (proxy), 2);
  GObject *child = gst_child_proxy_get_child_by_name (proxy, "sink_5");
  fail_unless (child == G_OBJECT (fifth));
  g_object_unref (child);

  GstElement *payloader = gst_element_factory_make ("rtpvp8pay", nullptr);
  gst_child_proxy_set (proxy, "sink_5::payloader", payloader, nullptr);
  GstElement *set = nullptr;
  gst_child_proxy_get (proxy, "sink_5::payloader", &set, nullptr);
  fail_unless (set == payloader);
  gst_object_unref (set);

  gst_element_release_request_pad (sink, zeroth);
  gst_object_unref (zeroth);
  fail_unless_equals_int (gst_child_proxy_get_children_count (proxy), 1);
  gst_object_unref (fifth); // goes with the element
  gst_object_unref (sink);
}
GST_END_TEST;

GST_START_TEST (test_the_sink_offers_what_payloaders_take)
{
  GstElement *sink = make ("spreaditsink");
  GstPad *pad = gst_element_request_pad_simple (sink, "sink_%u");
  GstCaps *caps = gst_pad_query_caps (pad, nullptr);
  for (const char *name :
      {"video/x-h264, stream-format=byte-stream, alignment=au", "video/x-vp8",
          "audio/x-opus, channel-mapping-family=0, channels=1, rate=48000",
          "audio/x-mulaw, rate=8000, channels=1",
          "application/x-rtp, media=video"}) {
    GstCaps *one = gst_caps_from_string (name);
    fail_unless (gst_caps_can_intersect (caps, one), "%s", name);
    gst_caps_unref (one);
  }
  GstCaps *none = gst_caps_from_string ("video/x-prores");
  fail_if (gst_caps_can_intersect (caps, none));
  gst_caps_unref (none);
  gst_caps_unref (caps);
  gst_element_release_request_pad (sink, pad);
  gst_object_unref (pad);
  gst_object_unref (sink);
}
GST_END_TEST;

static Suite *
elements_suite ()
{
  Suite *suite = suite_create ("elements");
  TCase *tc = tcase_create ("general");
  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_every_element_can_be_made_and_thrown_away);
  tcase_add_test (tc, test_pad_templates);
  tcase_add_test (tc, test_rank_and_class);
  tcase_add_test (tc, test_session_properties_reach_the_manager);
  tcase_add_test (tc, test_a_source_has_no_properties_of_a_searcher);
  tcase_add_test (tc, test_properties_read_well);
  tcase_add_test (tc, test_enum_values_are_described);
  tcase_add_test (tc, test_source_is_live_and_says_so);
  tcase_add_test (tc, test_stats_are_there_before_anything_runs);
  tcase_add_test (tc, test_uri_handler_takes_what_it_can_play);
  tcase_add_test (tc, test_uri_handler_refuses_what_it_cannot);
  tcase_add_test (tc, test_fanout_alone_says_what_it_misses);
  tcase_add_test (tc, test_fanout_finds_the_manager_of_its_intake);
  tcase_add_test (tc, test_pads_of_the_sink_are_children);
  tcase_add_test (tc, test_the_sink_offers_what_payloaders_take);
  return suite;
}

GST_CHECK_MAIN (elements);
