//! Compiles the protocol of KurrentDB, without `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut protocol = protox::compile(["streams.proto", "serverfeatures.proto"], ["proto"])?;
    for file in &mut protocol.file {
        // Without the comments, whose links lead nowhere here.
        file.source_code_info = None;
    }
    tonic_build::configure()
        .build_client(false)
        .include_file("protocol.rs")
        .compile_fds(protocol)?;
    Ok(())
}
