/** BLAKE3 by WebAssembly, in a file of its own that `hash.ts` fetches: the library's other hashes stay out of it. */
export { createBLAKE3 } from 'hash-wasm';
