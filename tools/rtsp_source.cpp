// SPDX-License-Identifier: LGPL-2.1-or-later
#include "origin_source.hpp"

#include <algorithm>

#include "media_slots.hpp"

namespace spreadit::relay {

namespace {

// How fast the first sender reports may bring sound and picture together; at
// once, time would go back. A packet takes longer than that.
constexpr guint64 sync_step_ns = 5 * GST_MSECOND;

class RtspSource final : public OriginSource {
public:
  RtspSource (Callbacks callbacks, GstClockTime latency)
      : callbacks_ (std::move (callbacks)), latency_ (latency)
  {
  }

  std::string add_to (GstBin *pipeline, const std::string &url) override;

private:
  Callbacks callbacks_;
  GstClockTime latency_;
};

std::string
RtspSource::add_to (GstBin *pipeline, const std::string &url)
{
  GstElement *source = gst_element_factory_make ("rtspsrc", nullptr);
  if (!source)
    return "element rtspsrc is not installed (gstreamer1.0-plugins-good)";
  g_object_set (source, "location", url.c_str (), "latency",
      static_cast<guint> (latency_ / GST_MSECOND), "max-ts-offset-adjustment",
      sync_step_ns, nullptr);
  // All that is to come is known before the first packet.
  g_signal_connect (source, "on-sdp",
      G_CALLBACK (
          +[] (GstElement *, const GstSDPMessage *sdp, RtspSource *self) {
            auto media = rtp_caps_of (sdp);
            std::erase_if (media, [] (const auto &caps) { return !caps; });
            self->callbacks_.media (std::move (media));
          }),
      this);
  g_signal_connect (source, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, RtspSource *self) {
        const Owned<GstCaps> caps (gst_pad_query_caps (pad, nullptr));
        self->callbacks_.pad (pad, caps.get ());
      }),
      this);
  gst_bin_add (pipeline, source);
  return "";
}

} // namespace

std::unique_ptr<OriginSource>
make_rtsp_source (OriginSource::Callbacks callbacks, GstClockTime latency)
{
  return std::make_unique<RtspSource> (std::move (callbacks), latency);
}

} // namespace spreadit::relay
