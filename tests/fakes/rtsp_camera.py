"""An RTSP camera on loopback: ``/usr/bin/python3 rtsp_camera.py PORT [SOUND]``.

Run by the system's Python with GStreamer.
"""

import sys

import gi  # type: ignore[import-not-found]  # a Debian package, not one of ours

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402 - versions come first

PIPELINE = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=15/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=700 key-int-max=30 ! rtph264pay name=pay0 pt=96"
    " audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=8000,channels=1 ! {sound} pt=97 )"
)
SOUNDS = {"aac": "voaacenc ! rtpmp4gpay name=pay1", "g711": "alawenc ! rtppcmapay name=pay1"}


def main(port: str, sound: str = "aac") -> None:
    """Serves ``rtsp://127.0.0.1:PORT/camera`` until it is ended: H.264, with sound of one of ``SOUNDS``."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(sound=SOUNDS[sound]))
    factory.set_shared(True)
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
