// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/json.hpp"

#include <cmath>

namespace spreadit::http {

namespace {

void
add_enum (JsonBuilder *builder, const GValue *value)
{
  auto *klass =
      static_cast<GEnumClass *> (g_type_class_ref (G_VALUE_TYPE (value)));
  const GEnumValue *found = g_enum_get_value (klass, g_value_get_enum (value));
  json_builder_add_string_value (builder, found ? found->value_nick : "");
  g_type_class_unref (klass);
}

void
add_double (JsonBuilder *builder, double value)
{
  if (std::isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

// JSON numbers are signed 64 bits in json-glib.
void
add_unsigned (JsonBuilder *builder, guint64 value)
{
  json_builder_add_int_value (
      builder, static_cast<gint64> (MIN (value, guint64{G_MAXINT64})));
}

void
add_value (JsonBuilder *builder, const GValue *value)
{
  const GType type = G_VALUE_TYPE (value);
  if (type == G_TYPE_BOOLEAN) {
    json_builder_add_boolean_value (builder, g_value_get_boolean (value));
  } else if (type == G_TYPE_INT) {
    json_builder_add_int_value (builder, g_value_get_int (value));
  } else if (type == G_TYPE_INT64) {
    json_builder_add_int_value (builder, g_value_get_int64 (value));
  } else if (type == G_TYPE_UINT) {
    add_unsigned (builder, g_value_get_uint (value));
  } else if (type == G_TYPE_UINT64) {
    add_unsigned (builder, g_value_get_uint64 (value));
  } else if (type == G_TYPE_DOUBLE) {
    add_double (builder, g_value_get_double (value));
  } else if (type == G_TYPE_STRING) {
    const char *text = g_value_get_string (value);
    json_builder_add_string_value (builder, text ? text : "");
  } else if (G_TYPE_IS_ENUM (type)) {
    add_enum (builder, value);
  } else if (type == GST_TYPE_STRUCTURE) {
    add_structure (builder, gst_value_get_structure (value));
  } else if (GST_VALUE_HOLDS_LIST (value)) {
    json_builder_begin_array (builder);
    for (guint i = 0; i < gst_value_list_get_size (value); ++i)
      add_value (builder, gst_value_list_get_value (value, i));
    json_builder_end_array (builder);
  } else if (GST_VALUE_HOLDS_ARRAY (value)) {
    json_builder_begin_array (builder);
    for (guint i = 0; i < gst_value_array_get_size (value); ++i)
      add_value (builder, gst_value_array_get_value (value, i));
    json_builder_end_array (builder);
  } else {
    const Text text (gst_value_serialize (value));
    json_builder_add_string_value (builder, text ? text.get () : "");
  }
}

} // namespace

void
add_structure (JsonBuilder *builder, const GstStructure *structure)
{
  json_builder_begin_object (builder);
  for (gint i = 0; i < gst_structure_n_fields (structure); ++i) {
    const char *name =
        gst_structure_nth_field_name (structure, static_cast<guint> (i));
    json_builder_set_member_name (builder, name);
    add_value (builder, gst_structure_get_value (structure, name));
  }
  json_builder_end_object (builder);
}

std::string
to_text (JsonBuilder *builder)
{
  const Owned<JsonGenerator> generator (json_generator_new ());
  const Owned<JsonNode> root (json_builder_get_root (builder));
  json_generator_set_root (generator.get (), root.get ());
  const Text text (json_generator_to_data (generator.get (), nullptr));
  return text.get ();
}

} // namespace spreadit::http
