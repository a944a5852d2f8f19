/**
 * For what takes its time and then leads to another page: remembered when it begins, it leads there only who is still where she was. Who
 * has gone on to another page in the meantime is not fetched back from it.
 */
export function fromHere(): (to: string) => void {
  const { hash } = location;
  return (to) => {
    if (location.hash === hash) location.hash = to;
  };
}
