//! Which version a browser is, asked before it is started: its command line already needs to know.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Seen: 30 ms.
const DEADLINE: Duration = Duration::from_secs(5);

/// The full version, such as `156.0.8078.79`; `None` when the program does not say. That is no error yet:
/// the start that follows tells more.
pub(crate) async fn version(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let output = tokio::time::timeout(DEADLINE, command.output()).await.ok()?.ok()?;
    find_version(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
}

fn find_version(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| {
        word.contains('.') && word.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::find_version;

    #[test]
    fn the_version_is_found_among_words() {
        assert_eq!(find_version("Chromium 156.0.8078.79 built on Debian\n"), Some("156.0.8078.79"));
        assert_eq!(find_version("usage: x [..]"), None);
    }
}
