// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gatewayrecord.h"

#include <utility>

#include <gst/spreadit-rtsp-server/spreadit-rtsp-server.h>

#include "gateway_record.hpp"

using namespace spreadit::relay;

namespace {

// What is late is waited for so long.
constexpr guint latency_ms = 200;

struct Private {
  std::shared_ptr<Publication> publication;
  // Floating; within construct(), of which there is one at a time.
  GstElement *element = nullptr;
};

// The end of a media is the end of what its publisher sends.
struct Publisher {
  std::shared_ptr<Publication> publication;
  unsigned number;
  ~Publisher () { publication->end (number); }
};

} // namespace

struct _GatewayRecord {
  GstRTSPMediaFactory parent;
  Private *priv; // owned: new in init, delete in finalize
};

G_DEFINE_TYPE (GatewayRecord, gateway_record, GST_TYPE_RTSP_MEDIA_FACTORY)

namespace {

GstElement *
create_element (GstRTSPMediaFactory *factory, const GstRTSPUrl *) noexcept
{
  return std::exchange (GATEWAY_RECORD (factory)->priv->element, nullptr);
}

void
send_on (Publication &publication, GstRTSPContext *context)
{
  const unsigned port = publication.port ();
  const gchar *host =
      context->uri && context->uri->host ? context->uri->host : "127.0.0.1";
  if (!port) {
    gst_spreadit_media_factory_refuse (
        context, GST_RTSP_STS_NOT_FOUND, "Nothing has been published here yet");
    return;
  }
  const bool bracketed = std::string (host).find (':') != std::string::npos;
  const std::string location = std::string ("rtsp://") +
                               (bracketed ? "[" : "") + host +
                               (bracketed ? "]" : "") + ":" +
                               std::to_string (port) + context->uri->abspath;
  gst_spreadit_media_factory_refuse (
      context, GST_RTSP_STS_MOVE_TEMPORARILY, location.c_str ());
}

std::variant<Publication::Admission, Publication::Refusal>
admit (Publication &publication, GstRTSPContext *context)
{
  guint8 *body = nullptr;
  guint size = 0;
  gst_rtsp_message_get_body (context->request, &body, &size);
  GstSDPMessage *sdp = nullptr;
  gst_sdp_message_new (&sdp);
  gst_sdp_message_parse_buffer (body, size, sdp);
  auto admitted = publication.begin (sdp);
  gst_sdp_message_free (sdp);
  return admitted;
}

GstRTSPMedia *
construct (GstRTSPMediaFactory *factory, const GstRTSPUrl *url) noexcept
{
  Private &priv = *GATEWAY_RECORD (factory)->priv;
  GstRTSPContext *context = gst_rtsp_context_get_current ();
  if (!context || context->method != GST_RTSP_ANNOUNCE) {
    if (context)
      send_on (*priv.publication, context);
    return nullptr;
  }
  auto admitted = admit (*priv.publication, context);
  if (auto *refusal = std::get_if<Publication::Refusal> (&admitted)) {
    gst_spreadit_media_factory_refuse (
        context, refusal->status, refusal->reason.c_str ());
    return nullptr;
  }
  const auto &admission = std::get<Publication::Admission> (admitted);
  auto *publisher = new Publisher{priv.publication, admission.publisher};
  priv.element = admission.element;
  GstRTSPMedia *media =
      GST_RTSP_MEDIA_FACTORY_CLASS (gateway_record_parent_class)
          ->construct (factory, url);
  if (!media) {
    delete publisher;
    return nullptr;
  }
  const auto free_publisher = [] (gpointer data) noexcept {
    delete static_cast<Publisher *> (data);
  };
  g_object_set_data_full (
      G_OBJECT (media), "publisher", publisher, free_publisher);
  g_signal_connect (media, "unprepared",
      G_CALLBACK (+[] (GstRTSPMedia *m, gpointer) {
        g_object_set_data (G_OBJECT (m), "publisher", nullptr);
      }),
      nullptr);
  return media;
}

// Each publisher has a media of his own.
gchar *
gen_key (GstRTSPMediaFactory *, const GstRTSPUrl *) noexcept
{
  return nullptr;
}

void
finalize (GObject *object) noexcept
{
  delete GATEWAY_RECORD (object)->priv;
  G_OBJECT_CLASS (gateway_record_parent_class)->finalize (object);
}

} // namespace

static void
gateway_record_class_init (GatewayRecordClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  auto *factory_class = GST_RTSP_MEDIA_FACTORY_CLASS (klass);
  factory_class->construct = construct;
  factory_class->create_element = create_element;
  factory_class->gen_key = gen_key;
}

static void
gateway_record_init (GatewayRecord *self)
{
  self->priv = new Private;
  auto *factory = GST_RTSP_MEDIA_FACTORY (self);
  gst_rtsp_media_factory_set_transport_mode (
      factory, GST_RTSP_TRANSPORT_MODE_RECORD);
  gst_rtsp_media_factory_set_latency (factory, latency_ms);
  gst_rtsp_media_factory_set_protocols (factory,
      GstRTSPLowerTrans (GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP));
  gst_rtsp_media_factory_set_profiles (
      factory, GstRTSPProfile (GST_RTSP_PROFILE_AVP | GST_RTSP_PROFILE_AVPF));
}

namespace spreadit::relay {

GstRTSPMediaFactory *
make_record_factory (std::shared_ptr<Publication> publication)
{
  auto *self = static_cast<GatewayRecord *> (
      g_object_new (GATEWAY_TYPE_RECORD, nullptr));
  self->priv->publication = std::move (publication);
  return GST_RTSP_MEDIA_FACTORY (self);
}

} // namespace spreadit::relay
