/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_SINK_PAD_H__
#define __GST_SPREADIT_SINK_PAD_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_SINK_PAD (gst_spreadit_sink_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstSpreaditSinkPad, gst_spreadit_sink_pad, GST,
    SPREADIT_SINK_PAD, GstGhostPad)

/* What the pad answers a caps query with until it has a target; takes `caps`.
 */
void gst_spreadit_sink_pad_set_template_caps (
    GstSpreaditSinkPad *self, GstCaps *caps);

/* Transfer full, may be NULL. */
GstElement *gst_spreadit_sink_pad_get_payloader (GstSpreaditSinkPad *self);

void gst_spreadit_sink_pad_set_payloader (
    GstSpreaditSinkPad *self, GstElement *payloader);

G_END_DECLS

#endif /* __GST_SPREADIT_SINK_PAD_H__ */
