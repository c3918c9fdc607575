/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_ELEMENTS_H__
#define __GST_SPREADIT_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* What flows between intake and fan-out: the RTP and RTCP packets of all media
 * of one stream, each buffer one packet, told apart as RFC 5761 does (second
 * byte 192..223: RTCP). No field: what the media are is in the SDP. */
#define GST_SPREADIT_BUNDLE_CAPS "application/x-spreadit-bundle"

/* GstContext with a field "manager", a GstSpreaditPeeringManager. */
#define GST_SPREADIT_CONTEXT_TYPE "gst.spreadit.PeeringManager"

GST_ELEMENT_REGISTER_DECLARE (spreaditintake);
GST_ELEMENT_REGISTER_DECLARE (spreaditfanout);
GST_ELEMENT_REGISTER_DECLARE (spreaditrelay);
GST_ELEMENT_REGISTER_DECLARE (spreaditsrc);
GST_ELEMENT_REGISTER_DECLARE (spreaditsink);

G_END_DECLS

#endif /* __GST_SPREADIT_ELEMENTS_H__ */
