/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_RELAY_H__
#define __GST_SPREADIT_RELAY_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_RELAY (gst_spreadit_relay_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditRelay, gst_spreadit_relay, GST, SPREADIT_RELAY, GstBin)

G_END_DECLS

#endif /* __GST_SPREADIT_RELAY_H__ */
