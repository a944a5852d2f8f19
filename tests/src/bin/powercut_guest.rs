//! The first and only program of a machine whose power is cut: see `maloca_tests::rows::powercut`, which boots it.

fn main() {
    maloca_tests::rows::powercut::guest::main(&std::env::args().skip(1).collect::<Vec<_>>());
}
