/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_FANOUT_H__
#define __GST_SPREADIT_FANOUT_H__

#include <gst/base/gstbasesink.h>
#include <gst/spreadit/spreadit.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_FANOUT (gst_spreadit_fanout_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditFanout, gst_spreadit_fanout, GST, SPREADIT_FANOUT, GstBaseSink)

/* Whether what is pushed into its pad now goes to the children of `manager`
 * and nowhere else, with nobody looking on. Streaming thread. */
gboolean gst_spreadit_fanout_only_sends_for (
    GstSpreaditFanout *self, GstSpreaditPeeringManager *manager);

G_END_DECLS

#endif /* __GST_SPREADIT_FANOUT_H__ */
