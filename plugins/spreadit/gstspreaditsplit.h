/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_SPLIT_H__
#define __GST_SPREADIT_SPLIT_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Inside spreaditsrc, not registered: takes a bundle apart into RTP (pad
 * `rtp`) and RTCP (pad `rtcp`) for an rtpbin.
 *
 * Until PLAYING is reached for the first time and the payload types are known,
 * it holds what comes, so that the random access point a new child starts with
 * is not lost. When PLAYING is left, packets are dropped: what is seen on the
 * way back is live. Whatever goes wrong downstream stays there, upstream always
 * sees OK: relaying goes on. */

#define GST_TYPE_SPREADIT_SPLIT (gst_spreadit_split_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditSplit, gst_spreadit_split, GST, SPREADIT_SPLIT, GstElement)

/* By payload type, 128 of them, in Hz: 0 = not known, negative = packets of
 * that type are dropped. */
void gst_spreadit_split_set_clock_rates (
    GstSpreaditSplit *self, const gint *rates);

/* Packets taken from upstream, whatever became of them. */
guint64 gst_spreadit_split_get_packets (GstSpreaditSplit *self);

G_END_DECLS

#endif /* __GST_SPREADIT_SPLIT_H__ */
