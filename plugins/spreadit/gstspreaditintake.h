/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_INTAKE_H__
#define __GST_SPREADIT_INTAKE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SPREADIT_INTAKE (gst_spreadit_intake_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSpreaditIntake, gst_spreadit_intake, GST, SPREADIT_INTAKE, GstElement)

G_END_DECLS

#endif /* __GST_SPREADIT_INTAKE_H__ */
