import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** A line of a vector file, decoded but not yet looked into. */
export interface Line {
  /** One-based number in the file. */
  number: number;
  text: string;
}

/** A case of a vector file (planner.md §1, state-machine.md §15). */
export interface Case {
  id: string;
  op: string;
  input: unknown;
  expect: unknown;
  label: string | undefined;
  orderSensitive: boolean;
}

const NEWLINE = 0x0a;

/**
 * The lines of a `.jsonl` or `.jsonl.gz` file, one after the other; only one is held in memory. Blank lines are left
 * out. Throws where the file cannot be read, is cut short or is not UTF-8.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  for await (const bytes of splitLines(openFile(file))) {
    number++;
    const text = decoder.decode(bytes);
    if (text.trim() !== '') yield { number, text };
  }
}

/** Reads a case from its line. Throws, naming what is missing, where the line is not one. */
export function parseCase(text: string): Case {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('a case is an object with the members case, input and expect');
  const { case: id, input, label } = value;
  if (typeof id !== 'string') throw new Error('the member "case" is missing or no string');
  if (!isObject(input)) throw new Error(`case ${id}: the member "input" is missing or no object`);
  if (typeof input['op'] !== 'string')
    throw new Error(`case ${id}: the member "input.op" is missing or no string`);
  if (!Object.hasOwn(value, 'expect')) throw new Error(`case ${id}: the member "expect" is missing`);
  return {
    id,
    op: input['op'],
    input,
    expect: value['expect'],
    label: typeof label === 'string' ? label : undefined,
    orderSensitive: value['order_sensitive'] === true,
  };
}

function openFile(file: string): AsyncIterable<Buffer> {
  const source = createReadStream(file);
  if (!file.endsWith('.gz')) return source;
  const unpacked = createGunzip();
  source.on('error', (error) => unpacked.destroy(error));
  return source.pipe(unpacked);
}

/**
 * Splits at the newline byte alone: node:readline would also split at U+2028 and U+2029, which JSON strings may carry
 * unescaped.
 */
async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...open, chunk.subarray(start, end)]);
      open = [];
      start = end + 1;
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
  }
  if (open.length > 0) yield Buffer.concat(open);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
