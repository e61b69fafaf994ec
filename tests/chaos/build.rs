//! Compiles the shim that plays a sick disk, with the C compiler that Rust links with.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let source = "shim/disk.c";
    println!("cargo:rerun-if-changed={source}");
    println!("cargo:rerun-if-env-changed=CC");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("disk.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let status = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o"])
        .arg(&out)
        .status();
    match status {
        Ok(status) if status.success() => println!("cargo:rustc-env=DISK_SHIM={}", out.display()),
        other => panic!("{compiler} cannot compile {source}: {other:?}"),
    }
}
