//! The program `maloca`. Everything is in the library; this only starts it.

fn main() -> std::process::ExitCode {
    maloca_hub::cli::run()
}
