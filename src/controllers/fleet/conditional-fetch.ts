import { LRUCache } from 'lru-cache';
import { fetch } from 'undici';
import { SourceFault } from './release-files.ts';

/** Bounds of one request. */
export interface FetchLimits {
  /** Milliseconds until the whole answer has to be there. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const DEFAULT_LIMITS: FetchLimits = { timeoutMs: 15_000, maxBytes: 64 * 1024 * 1024 };
/** A fleet, its manifests and their signatures. */
const REMEMBERED = 256;

interface Remembered {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly bytes: Buffer;
}

/**
 * Fetches documents, asking servers whether what was fetched before is still current, so that polling costs nothing
 * while nothing changes. Bounded in time and size; redirects are not followed, because a token must not travel.
 */
export class ConditionalFetch {
  readonly #remembered = new LRUCache<string, Remembered>({ max: REMEMBERED });
  readonly #field: string;
  readonly #limits: FetchLimits;

  /** `field` of the Fleet is where people look for what is wrong. */
  constructor(field = 'spec.source.http', limits: FetchLimits = DEFAULT_LIMITS) {
    this.#field = field;
    this.#limits = limits;
  }

  /** The document at a URL. Throws `SourceFault`; undefined on 404 where `optional`. */
  async get(url: string, token: string | undefined, signal: AbortSignal): Promise<Buffer> {
    const before = this.#remembered.get(url);
    const answer = await this.#send(url, headersOf(before, token), signal);
    if (answer.status === 304 && before !== undefined) {
      await answer.body?.cancel();
      return before.bytes;
    }
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new SourceFault(
        'SourceUnreadable',
        `${url} answered ${answer.status}: ${adviceFor(answer.status, this.#field)}`,
      );
    }
    const bytes = await readBounded(url, answer.body, this.#limits.maxBytes);
    this.#remembered.set(url, {
      etag: answer.headers.get('etag') ?? undefined,
      lastModified: answer.headers.get('last-modified') ?? undefined,
      bytes,
    });
    return bytes;
  }

  async #send(url: string, headers: Record<string, string>, signal: AbortSignal): ReturnType<typeof fetch> {
    try {
      return await fetch(url, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#limits.timeoutMs)]),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw new SourceFault(
        'SourceUnreadable',
        `${url} cannot be fetched: ${causeOf(error)}; it is tried again`,
      );
    }
  }
}

function headersOf(before: Remembered | undefined, token: string | undefined): Record<string, string> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(before?.etag !== undefined && { 'if-none-match': before.etag }),
    ...(before?.lastModified !== undefined && { 'if-modified-since': before.lastModified }),
  };
}

function adviceFor(status: number, field: string): string {
  if (status === 401 || status === 403) return `check ${field}.tokenSecretRef`;
  if (status === 404) return 'check the URL, and that CI published the document';
  if (status >= 300 && status < 400) return 'redirects are not followed, give the final URL';
  return 'it is tried again';
}

async function readBounded(
  url: string,
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of body ?? []) {
      size += part.length;
      if (size > maxBytes) break;
      parts.push(part);
    }
  } catch (error) {
    throw new SourceFault('SourceUnreadable', `${url} broke off: ${causeOf(error)}; it is tried again`);
  }
  if (size > maxBytes) throw new SourceFault('SourceUnreadable', `${url} is larger than ${maxBytes} bytes`);
  return Buffer.concat(parts);
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
