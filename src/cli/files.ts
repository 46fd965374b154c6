import { constants, type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { badInput, messageOf } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';

/** The name that stands for stdin or stdout. */
export const STANDARD_STREAM = '-';

/** A file to be written; `mode` is 0644 by default, 0600 for what is secret. */
export interface OutputFile {
  readonly path: string;
  readonly content: Uint8Array | string;
  readonly mode?: number;
}

/** Larger than any document the operator reads (it unpacks at most 128 MiB). */
const MAX_INPUT_BYTES = 128 * 1024 * 1024;
const PUBLIC_MODE = 0o644;
const SECRET_MODE = 0o600;
const NAME_BYTES = 6;

/** The bytes of a file, or of stdin for `-`. `what` tells people what the file was meant to be. */
export async function readInput(io: CliIo, path: string, what: string): Promise<Uint8Array> {
  if (path === STANDARD_STREAM) return bounded(await io.readStdin(), 'stdin');
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > MAX_INPUT_BYTES) throw tooLarge(path);
    return bounded(await file.readFile(), path);
  } catch (error) {
    throw unreadable(path, what, error);
  } finally {
    await file?.close();
  }
}

/** As `readInput`, decoded as UTF-8 text. */
export async function readInputText(io: CliIo, path: string, what: string): Promise<string> {
  const bytes = await readInput(io, path, what);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw badInput(`${nameOf(path)} is not UTF-8 text: give ${what}`, cause);
  }
}

/** Whether something stands at the path. */
export async function exists(path: string): Promise<boolean> {
  return (await statOf(path)) !== undefined;
}

/** Whether a folder stands at the path. */
export async function isFolder(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() === true;
}

/**
 * Writes files so that nobody ever sees half of one: all are written beside their place first, then moved there one
 * by one. Nothing is moved where one of them cannot be written.
 */
export async function writeFiles(io: CliIo, files: readonly OutputFile[]): Promise<void> {
  const written: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const file of files) {
      const from = temporaryPath(io, file.path);
      written.push({ from, to: file.path });
      await writeDurably(from, file);
    }
    for (const { from, to } of written) await rename(from, to);
  } catch (error) {
    for (const { from } of written) await rm(from, { force: true });
    throw unwritable(written.at(-1)?.to ?? '', error);
  }
}

/** Writes a secret (mode 0600) to a place where nothing stands yet: an overwritten key is gone for good. */
export async function writeNewSecret(io: CliIo, path: string, content: string): Promise<void> {
  const from = temporaryPath(io, path);
  try {
    await writeDurably(from, { path, content, mode: SECRET_MODE });
    await link(from, path);
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    await rm(from, { force: true });
  }
}

/** How a file is called in messages. */
export function nameOf(path: string): string {
  return path === STANDARD_STREAM ? 'stdin' : path;
}

async function writeDurably(at: string, { content, mode = PUBLIC_MODE }: OutputFile): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const file = await open(at, O_CREAT | O_EXCL | O_WRONLY, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function temporaryPath(io: CliIo, path: string): string {
  const suffix = Buffer.from(io.random(NAME_BYTES)).toString('hex');
  return join(dirname(path), `.${basename(path)}.${suffix}.tmp`);
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    // Anything else must not pass for "not there": a list would be begun anew.
    if (codeOf(error) === 'ENOENT') return undefined;
    throw badInput(`${path} cannot be read: ${messageOf(error)}`, error);
  }
}

function bounded(bytes: Uint8Array, name: string): Uint8Array {
  if (bytes.length > MAX_INPUT_BYTES) throw tooLarge(name);
  return bytes;
}

function tooLarge(name: string): Error {
  return badInput(`${name} has more than ${MAX_INPUT_BYTES / 1024 / 1024} MiB, which no document needs`);
}

function unreadable(path: string, what: string, error: unknown): Error {
  if (error instanceof Error && error.name === 'CliError') return error;
  const code = codeOf(error);
  if (code === 'ENOENT') return badInput(`${path} does not exist: give ${what}`, error);
  if (code === 'EACCES') return badInput(`${path} may not be read by this user: give ${what}`, error);
  if (code === 'EISDIR') return badInput(`${path} is a folder: give ${what}`, error);
  return badInput(`${path} cannot be read: ${messageOf(error)}`, error);
}

function unwritable(path: string, error: unknown): Error {
  const code = codeOf(error);
  if (code === 'EEXIST')
    return badInput(`${path} exists already: move it away or choose another name`, error);
  if (code === 'ENOENT') return badInput(`the folder ${dirname(path)} does not exist: make it first`, error);
  if (code === 'EACCES' || code === 'EROFS')
    return badInput(`the folder ${dirname(path)} may not be written to by this user`, error);
  return badInput(`${path} cannot be written: ${messageOf(error)}`, error);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
