/** What must be made ready for paper, which printing itself does not wait for. Each says how to undo it. */
const waiting = new Set<() => Promise<() => void>>();

/** Asks `prepare` before each print by a button; what is returned ends that. */
export function beforePaper(prepare: () => Promise<() => void>): () => void {
  waiting.add(prepare);
  return () => void waiting.delete(prepare);
}

/** Prints when all is ready. */
export async function printWhenReady(): Promise<void> {
  // What cannot be made ready is printed as it is.
  const undo = await Promise.all([...waiting].map((prepare) => prepare().catch(() => () => undefined)));
  // Some browsers go on while their dialog is open.
  addEventListener('afterprint', () => undo.forEach((one) => one()), { once: true });
  print();
}
