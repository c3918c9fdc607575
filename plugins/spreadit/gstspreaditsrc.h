/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_SRC_H__
#define __GST_SPREADIT_SRC_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_SRC (gst_spreadit_src_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditSrc, gst_spreadit_src, GST, SPREADIT_SRC, GstBin)

G_END_DECLS

#endif /* __GST_SPREADIT_SRC_H__ */
