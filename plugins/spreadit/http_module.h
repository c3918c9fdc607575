/* What the elements have of the module that serves HTTP. The module links
 * libsoup 3, which ends a process in which libsoup 2 is: so it is loaded only
 * where `http-address` is set, from a folder in which GStreamer does not look
 * for plugins.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_HTTP_MODULE_H__
#define __GST_SPREADIT_HTTP_MODULE_H__

#include <gst/spreadit/spreadit.h>

G_BEGIN_DECLS

/* One more with each change of what is below. */
#define GST_SPREADIT_HTTP_MODULE_VERSION 1

typedef struct _GstSpreaditHttp GstSpreaditHttp;

typedef struct {
  guint version; /* GST_SPREADIT_HTTP_MODULE_VERSION it was built with */

  /* Serves what there is to say of the node of `manager` at `address`, on a
   * thread of its own, until close(). NULL with a #GError of GST_RESOURCE_ERROR
   * that says what to do. */
  GstSpreaditHttp *(*open) (
      const gchar *address, GstSpreaditPeeringManager *manager, GError **error);
  /* Where a browser finds it. */
  const gchar *(*get_url) (GstSpreaditHttp *http);
  /* Hangs up on everybody, and waits until that is done. */
  void (*close) (GstSpreaditHttp *http);
} GstSpreaditHttpModule;

/* Of this type and under this name. */
#define GST_SPREADIT_HTTP_MODULE_SYMBOL "gst_spreadit_http_module"
typedef const GstSpreaditHttpModule *(*GstSpreaditHttpModuleGet) (void);

G_END_DECLS

#endif /* __GST_SPREADIT_HTTP_MODULE_H__ */
