/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_FANOUT_H__
#define __GST_SPREADIT_FANOUT_H__

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_FANOUT (gst_spreadit_fanout_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditFanout, gst_spreadit_fanout, GST, SPREADIT_FANOUT, GstBaseSink)

G_END_DECLS

#endif /* __GST_SPREADIT_FANOUT_H__ */
