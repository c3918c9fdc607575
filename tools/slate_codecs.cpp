// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slate_codecs.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "elements.hpp"
#include "media_slots.hpp"

namespace spreadit::relay {

namespace {

constexpr int frame_rate = 10;
constexpr int width_default = 640, height_default = 360;

struct Codec {
  const char *format; // as format_of() has it
  std::vector<const char *> encoders;
  const char *packages; // Debian's, that have them
  const char *to_rtp;
};

// A key frame each second, for who joins. Every decoder of H.264 takes the
// baseline profile.
const std::array video_codecs = {
    Codec{"video/H264",
        {"x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 "
         "key-int-max=10",
            "openh264enc bitrate=300000 gop-size=10 complexity=low"},
        "gstreamer1.0-plugins-ugly has x264enc",
        "video/x-h264,profile=constrained-baseline ! rtph264pay "
        "config-interval=-1"},
    Codec{"video/H265",
        {"x265enc tune=zerolatency speed-preset=ultrafast bitrate=300 "
         "key-int-max=10"},
        "gstreamer1.0-plugins-bad has x265enc",
        "h265parse ! rtph265pay config-interval=-1"},
    Codec{"video/VP8",
        {"vp8enc deadline=1 cpu-used=8 target-bitrate=300000 "
         "keyframe-max-dist=10"},
        "gstreamer1.0-plugins-good has vp8enc", "rtpvp8pay"},
    Codec{"video/VP9",
        {"vp9enc deadline=1 cpu-used=8 target-bitrate=300000 "
         "keyframe-max-dist=10"},
        "gstreamer1.0-plugins-good has vp9enc", "rtpvp9pay"},
    Codec{"video/JPEG", {"jpegenc"}, "gstreamer1.0-plugins-good has jpegenc",
        "rtpjpegpay"},
};
const std::array audio_codecs = {
    Codec{"audio/MPEG4-GENERIC",
        {"avenc_aac bitrate=64000", "voaacenc bitrate=64000"},
        "gstreamer1.0-libav has avenc_aac", "aacparse ! rtpmp4gpay"},
    Codec{"audio/OPUS", {"opusenc bitrate=16000"},
        "gstreamer1.0-plugins-base has opusenc", "rtpopuspay"},
    Codec{"audio/PCMU", {"mulawenc"}, "gstreamer1.0-plugins-good has mulawenc",
        "rtppcmupay"},
    Codec{"audio/PCMA", {"alawenc"}, "gstreamer1.0-plugins-good has alawenc",
        "rtppcmapay"},
};

struct Sound {
  int rate;
  int channels;
};

// ISO 14496-3, 1.6.2.1: AAC LC only. What else there is says less of itself or
// has no encoder.
std::optional<Sound>
sound_of_aac (const GstStructure *rtp)
{
  constexpr std::array rates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
      22050, 16000, 12000, 11025, 8000, 7350};
  constexpr unsigned low_complexity = 2;
  const char *mode = gst_structure_get_string (rtp, "mode");
  const char *config = gst_structure_get_string (rtp, "config");
  if (!mode || g_ascii_strcasecmp (mode, "AAC-hbr") != 0 || !config ||
      std::string (config).size () < 4)
    return std::nullopt;
  guint64 bits = 0;
  const std::string first (config, 4);
  if (!g_ascii_string_to_unsigned (
          first.c_str (), 16, 0, 0xffff, &bits, nullptr))
    return std::nullopt;
  const auto rate = static_cast<std::size_t> (bits >> 7 & 15);
  const auto channels = static_cast<int> (bits >> 3 & 15);
  if (bits >> 11 != low_complexity || rate >= rates.size () || channels < 1 ||
      channels > 2)
    return std::nullopt;
  return Sound{rates[rate], channels};
}

// "2", as SDP has it; RFC 4566, 6: one channel if it is not said.
Sound
sound_of_rtp (const GstStructure *rtp)
{
  Sound sound{8000, 1};
  gst_structure_get_int (rtp, "clock-rate", &sound.rate);
  guint64 channels = 0;
  if (const char *text = gst_structure_get_string (rtp, "encoding-params");
      text && g_ascii_string_to_unsigned (text, 10, 1, 2, &channels, nullptr))
    sound.channels = static_cast<int> (channels);
  return sound;
}

// Even, as 4:2:0 has it.
int
side_of (const GstCaps *coded, const char *name, int otherwise)
{
  int value = 0;
  if (!coded ||
      !gst_structure_get_int (gst_caps_get_structure (coded, 0), name, &value))
    return otherwise;
  return std::max (16, value - value % 2);
}

std::string
picture (int width, int height)
{
  std::string text =
      "videotestsrc name=raw is-live=true pattern=solid-color "
      "foreground-color=0xff202630 ! video/x-raw,format=I420,width=" +
      std::to_string (width) + ",height=" + std::to_string (height) +
      ",framerate=" + std::to_string (frame_rate) + "/1 ! ";
  if (has_element ("textoverlay"))
    text += "textoverlay text=\"The picture will be back soon\" "
            "valignment=center halignment=center ! ";
  return text;
}

std::string
silence (const Sound &sound)
{
  return "audiotestsrc name=raw is-live=true wave=silence ! audio/x-raw,rate=" +
         std::to_string (sound.rate) +
         ",channels=" + std::to_string (sound.channels) + " ! audioconvert ! ";
}

template <class Codecs>
const Codec *
find_codec (const Codecs &codecs, const std::string &format)
{
  for (const Codec &codec : codecs)
    if (g_ascii_strcasecmp (codec.format, format.c_str ()) == 0)
      return &codec;
  return nullptr;
}

SlateMaker
without (const std::string &why)
{
  return {"", nullptr, why};
}

} // namespace

SlateMaker
make_slate_maker (const GstCaps *rtp_caps, const GstCaps *coded_caps)
{
  const std::string format = format_of (rtp_caps);
  const GstStructure *rtp = gst_caps_get_structure (rtp_caps, 0);
  const Codec *video = find_codec (video_codecs, format);
  const Codec *codec = video ? video : find_codec (audio_codecs, format);
  if (!codec)
    return without ("there is no slate for " + format);
  const std::string encoder = first_installed (codec->encoders);
  if (encoder.empty ())
    return without (
        "no encoder for " + format + " is installed (" + codec->packages + ")");

  SlateMaker maker;
  if (video) {
    maker.description = picture (side_of (coded_caps, "width", width_default),
        side_of (coded_caps, "height", height_default));
  } else {
    Sound sound = sound_of_rtp (rtp);
    if (format == "audio/MPEG4-GENERIC") {
      const auto aac = sound_of_aac (rtp);
      if (!aac || aac->rate != sound.rate)
        return without ("of AAC there is silence for LC, mono or stereo, only");
      sound = *aac;
    }
    maker.description = silence (sound);
    maker.caps.reset (gst_caps_copy (rtp_caps));
  }
  maker.description += encoder + " ! " + codec->to_rtp;
  return maker;
}

} // namespace spreadit::relay
