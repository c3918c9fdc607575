/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_H__
#define __GST_SPREADIT_H__

#include <gst/spreadit/spreadit-prelude.h>
#include <gst/spreadit/gstspreaditenums.h>
#include <gst/spreadit/gstspreaditpeeringmanager.h>

#endif /* __GST_SPREADIT_H__ */
