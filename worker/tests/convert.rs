//! The converter as it really runs: Debian's ffmpeg, become by the worker's program inside its walls.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use colmeia::config::Landlock;
use colmeia::convert::{CANNOT_RUN, Order, UNKNOWN_KIND};
use serde_json::Value;

const FFMPEG: &str = "/usr/bin/ffmpeg";
const TONE: [&str; 4] = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"];

fn order(video: bool) -> Order {
    Order {
        video,
        ffmpeg: FFMPEG.into(),
        memory_mb: 768,
        cpu_secs: 60,
        most_bytes: 64 << 20,
        landlock: Landlock::Auto,
        uid: None,
    }
}

struct Rig(tempfile::TempDir);

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        // Whoever it becomes may pass: the walls and not the modes are tried.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file that ffmpeg makes.
    fn made(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.path(name);
        let made = Command::new(FFMPEG).args(["-v", "error", "-y"]).args(arguments).arg(&path).status();
        assert!(made.expect("apt-get install ffmpeg").success(), "{arguments:?}");
        path
    }

    fn written(&self, name: &str, content: &[u8]) -> PathBuf {
        fs::write(self.path(name), content).expect("written");
        self.path(name)
    }

    fn program(&self, content: &str) -> PathBuf {
        let path = self.written("program", content.as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        path
    }

    /// What comes out, and how it ended.
    fn convert(&self, input: &Path, order: &Order) -> (Vec<u8>, ExitStatus) {
        let input = File::open(input).expect("opened");
        // Without a name, as the service's.
        let mut output = tempfile::tempfile_in(self.0.path()).expect("made");
        let status = Command::new(env!("CARGO_BIN_EXE_colmeia-worker"))
            .arg("convert")
            .arg(serde_json::to_string(order).expect("plain data"))
            .stdin(input)
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(Stdio::inherit())
            .status()
            .expect("it runs");
        let mut content = Vec::new();
        output.rewind().expect("rewound");
        output.read_to_end(&mut content).expect("read");
        (content, status)
    }

    fn probe(&self, content: &[u8]) -> Value {
        let path = self.written("out", content);
        let said = Command::new("/usr/bin/ffprobe")
            .args(["-v", "error", "-print_format", "json", "-show_streams", "-show_format"])
            .arg(path)
            .output()
            .expect("ffprobe runs");
        serde_json::from_slice(&said.stdout).expect("JSON")
    }
}

#[test]
fn sounds_of_every_usual_kind_become_voice_messages() {
    let rig = Rig::new();
    for (name, more) in [
        ("a.mp3", &["-metadata", "title=segredo"][..]),
        ("a.wav", &["-ac", "2", "-ar", "44100"]),
        ("a.m4a", &[]),
        ("a.flac", &[]),
        ("a.webm", &["-c:a", "libopus"]),
        ("a.aac", &[]),
    ] {
        let input = rig.made(name, &[&TONE[..], more].concat());
        let (content, status) = rig.convert(&input, &order(false));
        assert!(status.success(), "{name}: {status}");
        assert!(content.starts_with(b"OggS"), "{name}");
        let probed = rig.probe(&content);
        let stream = &probed["streams"][0];
        let (codec, channels, rate) = (&stream["codec_name"], &stream["channels"], &stream["sample_rate"]);
        assert!(*codec == "opus" && *channels == 1 && *rate == "48000", "{name}: {stream}");
        let length: f64 = probed["format"]["duration"].as_str().expect("text").parse().expect("a number");
        assert!((1.8..2.3).contains(&length), "{name}: {length}");
        assert!(!content.windows(7).any(|part| part == b"segredo"), "{name} tells its title");
    }
}

#[test]
fn films_become_mp4_that_begins_with_its_index() {
    let rig = Rig::new();
    let picture = ["-f", "lavfi", "-i", "testsrc=duration=2:size=1601x901:rate=10"];
    for (name, more) in
        [("a.mkv", &["-c:v", "mpeg4", "-c:a", "libvorbis"][..]), ("a.avi", &["-c:v", "mjpeg"])]
    {
        let input = rig.made(name, &[&picture[..], &TONE, more].concat());
        let (content, status) = rig.convert(&input, &order(true));
        assert!(status.success(), "{name}: {status}");
        let probed = rig.probe(&content);
        let of = |kind: &str| {
            let mut streams = probed["streams"].as_array().expect("a list").iter();
            streams.find(|stream| stream["codec_type"] == kind).expect(kind).clone()
        };
        let (film, sound) = (of("video"), of("audio"));
        assert!(film["codec_name"] == "h264" && sound["codec_name"] == "aac", "{name}: {film} {sound}");
        assert!(film["pix_fmt"] == "yuv420p" && film["width"] == 1280, "{name}: {film}");
        assert_eq!(film["height"].as_u64().map(|height| height % 2), Some(0), "{name}");
        let place = |mark: &[u8]| content.windows(4).position(|part| part == mark).expect("it is there");
        assert!(place(b"moov") < place(b"mdat"), "{name}");
    }
    // One without sound, and one without a picture.
    let silent = rig.made("silent.mp4", &picture);
    assert!(rig.convert(&silent, &order(true)).1.success());
    let deaf = rig.made("deaf.m4a", &TONE);
    assert_eq!(rig.convert(&deaf, &order(true)).1.code(), Some(1));
}

#[test]
fn files_that_name_other_files_are_not_opened() {
    let rig = Rig::new();
    let secret = rig.made("secret.wav", &TONE);
    let secret = secret.display();
    for text in [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile {secret}\n"),
        format!("file '{secret}'\n"),
        format!("<?xml version=\"1.0\"?><MPD><BaseURL>file://{secret}</BaseURL></MPD>"),
    ] {
        let input = rig.written("list", text.as_bytes());
        for video in [false, true] {
            let (content, status) = rig.convert(&input, &order(video));
            assert_eq!((content.len(), status.code()), (0, Some(UNKNOWN_KIND.into())), "{text}");
        }
        // Behind the first bytes of something else it is read as that, and is broken.
        for mark in [&b"OggS"[..], b"\x1a\x45\xdf\xa3", b"\0\0\0\x18ftyp", b"RIFF\0\0\0\0WAVE"] {
            let input = rig.written("list", &[mark, text.as_bytes()].concat());
            let (content, status) = rig.convert(&input, &order(false));
            assert!(!status.success() && content.is_empty(), "{status} {text}");
        }
    }
}

#[test]
fn what_would_take_the_machine_is_ended_by_the_kernel() {
    let rig = Rig::new();
    // Hours of silence in a small file: too long for a second, and too much for a small result.
    let long = rig.made("long.flac", &["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "36000"]);
    let (_, status) = rig.convert(&long, &Order { cpu_secs: 1, ..order(false) });
    assert!(!status.success(), "{status}");
    let (content, status) = rig.convert(&long, &Order { most_bytes: 10_000, ..order(false) });
    assert!(!status.success() && content.len() <= 10_000, "{status} {}", content.len());
    // A picture of four thousand million points.
    let huge = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;";
    let (content, status) = rig.convert(&rig.written("huge.gif", huge), &order(true));
    assert!(!status.success() && content.is_empty(), "{status}");
    // And a program that does nothing but take memory.
    let hungry = rig.program("#!/usr/bin/python3\nbytearray(1 << 30)\n");
    let sound = rig.made("a.wav", &TONE);
    let (_, status) = rig.convert(&sound, &Order { ffmpeg: hungry, memory_mb: 256, ..order(false) });
    assert!(!status.success(), "{status}");
}

/// Something in ffmpeg's place that was taken over.
#[test]
fn a_converter_that_was_taken_over_reaches_its_two_files_and_no_other() {
    let (rig, elsewhere) = (Rig::new(), Rig::new());
    let secret = elsewhere.written("secret", b"hunter2");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o666)).expect("set");
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let script = format!(
        r#"#!/usr/bin/python3
import os, socket
def tried(name, what):
    try:
        what()
        print(name, "reached")
    except OSError:
        print(name, "refused")
tried("own", lambda: open("/proc/self/fd/0", "rb").read())
tried("secret", lambda: open("{secret}").read())
tried("write", lambda: open("{secret}", "w"))
tried("list", lambda: os.listdir("{folder}"))
tried("make", lambda: open("/tmp/colmeia-converter", "w"))
tried("users", lambda: open("/etc/passwd").read())
tried("parent", lambda: open("/proc/{parent}/environ").read())
tried("network", lambda: socket.create_connection(("127.0.0.1", {port}), 5))
print("variables", [name for name in os.environ if name != "LC_CTYPE"])
print("root", os.getuid() == 0)
"#,
        port = listener.local_addr().expect("address").port(),
        secret = secret.display(),
        folder = elsewhere.0.path().display(),
        parent = std::process::id(),
    );
    let program = rig.program(&script);
    let sound = elsewhere.made("a.wav", &TONE);
    let (said, status) = rig.convert(&sound, &Order { ffmpeg: program, ..order(false) });
    assert!(status.success(), "{status}");
    assert_eq!(
        String::from_utf8_lossy(&said).lines().collect::<Vec<_>>(),
        [
            "own reached",
            "secret refused",
            "write refused",
            "list refused",
            "make refused",
            "users refused",
            "parent refused",
            "network refused",
            "variables []",
            "root False",
        ]
    );
}

#[test]
fn without_a_program_one_is_told() {
    let rig = Rig::new();
    let sound = rig.made("a.wav", &TONE);
    let (_, status) = rig.convert(&sound, &Order { ffmpeg: "/nowhere/ffmpeg".into(), ..order(false) });
    assert_eq!(status.code(), Some(CANNOT_RUN.into()));
}
