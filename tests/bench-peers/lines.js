// Orders come in as JSON lines, answers go out as JSON lines, one for one, in order. The bench (tests/src/bench/node.rs)
// is at the other end. A driver ends when its orders end, so that nothing is left behind when the bench is gone.
import { createInterface } from 'node:readline'
import { readFileSync } from 'node:fs'

export async function serve(orders) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...order } = JSON.parse(line)
    let answer
    try {
      answer = { ok: (await orders[name](order)) ?? null }
    } catch (error) {
      answer = { error: String(error?.stack ?? error) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)
}

// The records of a file with one JSON object a line: an id and the properties.
export function records(file) {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line))
}
