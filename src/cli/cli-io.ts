import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Timestamp } from '../api/time.ts';
import { systemClock } from '../kube/clock.ts';

/** What a command touches besides files: its streams, time, randomness and the way out. */
export interface CliIo {
  readStdin(): Promise<Uint8Array>;
  /** The result, for the next program in the pipe. */
  writeOut(data: Uint8Array | string): void;
  /** Notes and errors, for people. */
  writeErr(text: string): void;
  now(): Timestamp;
  random(bytes: number): Uint8Array;
  exit(code: number): never;
}

/** The streams and the clock of this process. */
export const processIo: CliIo = {
  readStdin: () => buffer(process.stdin),
  writeOut: (data) => void process.stdout.write(data),
  writeErr: (text) => void process.stderr.write(text),
  now: () => systemClock.now(),
  random: (bytes) => randomBytes(bytes),
  exit: (code) => process.exit(code),
};
