/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_RTSP_SERVER_H__
#define __GST_SPREADIT_RTSP_SERVER_H__

#include <gst/spreadit-rtsp-server/gstspreaditmediafactory.h>

#endif /* __GST_SPREADIT_RTSP_SERVER_H__ */
