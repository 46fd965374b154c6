/** What a parent tells the guardian, one JSON object a line on its stdin. The end of that stream means: clean up. */
export type GuardianCommand =
  | { op: 'start'; name: string; file: string; args: string[]; logFile: string }
  | { op: 'signal'; name: string; signal: NodeJS.Signals };

/** What the guardian reports, one JSON object a line on its stdout. */
export type GuardianReport =
  | { type: 'ready'; folder: string }
  | { type: 'failed'; message: string }
  | { type: 'started'; name: string; pid: number }
  | { type: 'exited'; name: string; code: number | null; signal: NodeJS.Signals | null };
