import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { onTestFinished } from 'vitest';
import type { Timestamp } from '../../../src/api/time.ts';
import { registerCommands } from '../../../src/cli/register-commands.ts';
import { signingKeyFromPem } from '../../../src/core/artifacts/sign.ts';

export const NOW = '2026-06-01T10:00:00Z' as Timestamp;

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly outBytes: Buffer;
  readonly err: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly now?: string;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

let drawn = 0;

/** Runs a command line as the program would, in a folder of its own. */
export async function run(
  args: readonly string[],
  { stdin = '', now = NOW }: RunOptions = {},
): Promise<Outcome> {
  const out: Buffer[] = [];
  let err = '';
  const program = new Command('nixfleet-operator').exitOverride();
  registerCommands(program, {
    readStdin: () => Promise.resolve(Buffer.from(stdin)),
    writeOut: (data) => void out.push(Buffer.from(data)),
    writeErr: (text) => void (err += text),
    now: () => now as Timestamp,
    random: (bytes) => Buffer.alloc(bytes, ++drawn),
    exit: (code) => {
      throw new Exit(code);
    },
  });
  let code = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = error.code;
  }
  const outBytes = Buffer.concat(out);
  return { code, out: outBytes.toString('utf8'), outBytes, err };
}

/** A folder that goes when the test ends. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'nixfleet-cli-'));

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: unknown): string {
    const path = this.path(name);
    const raw = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(path, raw ? content : JSON.stringify(content, null, 2));
    return path;
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  json(name: string) {
    return JSON.parse(this.read(name).toString('utf8'));
  }

  /** A key of the CI and the trust.json that believes it. */
  async ci(algorithm = 'ed25519'): Promise<{ key: string; trust: string }> {
    const key = this.path('ci.pem');
    await run(['keygen', '--algorithm', algorithm, '--out', key]);
    const { trusted } = signingKeyFromPem(this.read('ci.pem').toString('utf8'));
    const trust = this.write('trust.json', { schemaVersion: 1, ciReleaseKey: { current: trusted } });
    return { key, trust };
  }
}

const POLICY = {
  strategy: 'canary',
  onHealthFailure: 'rollback-and-halt',
  waves: [{ selector: { all: true }, soakMinutes: 5 }],
};
const CHANNEL = {
  rolloutPolicy: 'canary',
  reconcileIntervalMinutes: 5,
  freshnessWindow: 120,
  signingIntervalMinutes: 30,
};

export const HOST_LINE = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU';
export const HOST_FINGERPRINT = 'ajgD1fBZkCocba+8m6RykhL3yqwIY0zDrnaydSnwOCc=';

/** An unsigned fleet of two channels, and a third without a host. */
export function fleetDocument(meta: object = {}) {
  return {
    schemaVersion: 1,
    hosts: {
      'web-01': host('stable', { pubkey: HOST_LINE }),
      'web-02': host('stable'),
      'db-01': host('edge-lab'),
    },
    channels: { stable: CHANNEL, 'edge-lab': CHANNEL, empty: CHANNEL },
    rolloutPolicies: { canary: POLICY },
    waves: { stable: [{ hosts: ['web-01'], soakMinutes: 5 }] },
    meta: { schemaVersion: 1, ciCommit: 'a1b2c3d4e5f6', ...meta },
    fromALaterVersion: { kept: 'Grüße\u2028😀' },
  };
}

export function host(channel: string, more: object = {}) {
  return { system: 'x86_64-linux', tags: [], channel, closureHash: `1111-nixos-system-${channel}`, ...more };
}
