/** The real binary, on a port of its own and in a folder of its own; `MALOCA_BIN` says where it is. */

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const BINARY = process.env.MALOCA_BIN ?? '';
export const withoutHub = !existsSync(BINARY);
export const CODE = '204060';

export interface RealHub {
  http: string;
  /** Ends it as a laptop that falls asleep for good does, and starts it again where it was. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startHub(): Promise<RealHub> {
  const data = await mkdtemp(join(tmpdir(), 'maloca-engine-'));
  let child: ChildProcess;
  const launch = async (port: number) => {
    const words = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--interface', 'lo', '--name', 'Test'];
    child = spawn(BINARY, [...words, '--ready-json', '--no-discovery', '--joining-code', CODE, '--devices-read', 'all'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    return JSON.parse(await new Promise<string>((done) => lines.once('line', done))) as { http: string; port: number };
  };
  const kill = () => new Promise((done) => (child.once('exit', done), child.kill('SIGKILL')));
  const { http, port } = await launch(0);
  return {
    http,
    async restart() {
      await kill();
      await launch(port);
    },
    async stop() {
      await kill();
      await rm(data, { recursive: true });
    },
  };
}
