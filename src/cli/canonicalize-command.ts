import type { Command } from 'commander';
import { canonicalizeBytes } from '../core/artifacts/canonical-json.ts';
import { sha256Hex } from '../core/artifacts/hash.ts';
import { badInput } from './cli-error.ts';
import type { CliIo } from './cli-io.ts';
import { addCommand, guarded } from './command.ts';
import { nameOf, readInput } from './files.ts';

/** `canonicalize`: the bytes that signatures cover. */
export function registerCanonicalize(program: Command, io: CliIo): void {
  addCommand(program, io, {
    usage: 'canonicalize <file>',
    summary: 'print the canonical form of a JSON document, or its hash',
    description:
      'Prints the canonical form (RFC 8785) of any JSON document without a line end: the very bytes that are signed and ' +
      'hashed. It is read as strictly as signed documents are. "-" reads stdin.',
    examples: [
      'canonicalize fleet.resolved.json > fleet.canonical',
      'canonicalize --sha256 fleet.resolved.json',
    ],
  })
    .option('--sha256', 'print the SHA-256 of the canonical form in hex instead')
    .action((path: string, options: { readonly sha256?: true }) =>
      guarded(io, 'canonicalize', async () => {
        const document = canonicalizeBytes(await readInput(io, path, 'a JSON document'));
        if (!document.ok) throw badInput(`${nameOf(path)} cannot be read as JSON: ${document.message}`);
        io.writeOut(options.sha256 === true ? `${sha256Hex(document.canonical)}\n` : document.canonical);
      }),
    );
}
