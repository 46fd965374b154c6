/** Receives one line of progress at a time; it is meant for people. */
export type ProgressListener = (line: string) => void;

const REPEAT_MS = 5_000;

/**
 * Runs `work` and says every five seconds that it still goes on, with the time it has taken so far.
 *
 * `describe` is asked for each line, so it can name what has been reached.
 */
export async function withProgress<T>(
  onProgress: ProgressListener,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const started = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - started) / 1000)} s`;
  onProgress(describe());
  const timer = setInterval(() => onProgress(`${describe()} (${elapsed()})`), REPEAT_MS);
  try {
    const result = await work();
    onProgress(`${describe()} (done in ${elapsed()})`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/**
 * A listener that writes to stderr: on a terminal one line that is redrawn, ended by `finish`; else a line each.
 */
export function progressToStderr(): { onProgress: ProgressListener; finish: () => void } {
  const stream = process.stderr;
  if (!stream.isTTY) {
    return { onProgress: (line) => stream.write(`${line}\n`), finish: () => undefined };
  }
  let drawn = false;
  return {
    onProgress: (line) => {
      drawn = true;
      stream.write(`\r\u001b[2K${line.slice(0, Math.max(20, stream.columns - 1))}`);
    },
    finish: () => {
      if (drawn) stream.write('\n');
      drawn = false;
    },
  };
}
