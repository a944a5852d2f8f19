/** Puts a file among the browser's downloads. */
export function download(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has opened it by then, however slow the phone.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** `maloca-c4aadc09bf5e-2026-11-22.tar`: whose it is and of which day, as folders of downloads are full. */
export const nameOfFile = (device: string, now: Date): string =>
  `maloca-${device}-${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}.tar`;
