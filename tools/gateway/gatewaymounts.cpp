// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gatewaymounts.h"

#include <mutex>

namespace {

struct Private {
  std::mutex lock; // held while asking, for forget() to wait
  GatewayMountsAsked asked = nullptr;
  gpointer data = nullptr;
};

} // namespace

struct _GatewayMounts {
  GstRTSPMountPoints parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE (GatewayMounts, gateway_mounts, GST_TYPE_RTSP_MOUNT_POINTS)

namespace {

gchar *
make_path (GstRTSPMountPoints *mounts, const GstRTSPUrl *url) noexcept
{
  gchar *path = GST_RTSP_MOUNT_POINTS_CLASS (gateway_mounts_parent_class)
                    ->make_path (mounts, url);
  GstRTSPContext *context = gst_rtsp_context_get_current ();
  Private &priv = *GATEWAY_MOUNTS (mounts)->priv;
  if (!path || !context ||
      !(context->method & (GST_RTSP_DESCRIBE | GST_RTSP_ANNOUNCE)))
    return path;
  const std::lock_guard guard (priv.lock);
  if (priv.asked)
    priv.asked (path, context, priv.data);
  return path;
}

void
finalize (GObject *object) noexcept
{
  delete GATEWAY_MOUNTS (object)->priv;
  G_OBJECT_CLASS (gateway_mounts_parent_class)->finalize (object);
}

} // namespace

static void
gateway_mounts_class_init (GatewayMountsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  GST_RTSP_MOUNT_POINTS_CLASS (klass)->make_path = make_path;
}

static void
gateway_mounts_init (GatewayMounts *self)
{
  self->priv = new Private;
}

GatewayMounts *
gateway_mounts_new (GatewayMountsAsked asked, gpointer data)
{
  auto *self = static_cast<GatewayMounts *> (
      g_object_new (GATEWAY_TYPE_MOUNTS, nullptr));
  self->priv->asked = asked;
  self->priv->data = data;
  return self;
}

void
gateway_mounts_forget (GatewayMounts *self)
{
  const std::lock_guard guard (self->priv->lock);
  self->priv->asked = nullptr;
}
