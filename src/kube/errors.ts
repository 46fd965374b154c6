/** What a `KubeError` is made of. */
export interface KubeErrorInit {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A request that the API server refused, or that did not get an answer. The message never holds headers, and of the
 * answer only the server's own message.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /** `Status.reason` of the API server, or `ConnectionFailed`, `Timeout`, `BadAnswer` where there was none. */
  readonly reason: string;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The system's code of a failed connection, such as `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(init: KubeErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    this.retryAfterMs = init.retryAfterMs;
    this.code = init.code;
  }

  /** Whether the same request can succeed later without a change. A write that got no answer may have been done. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** A compare-and-swap that lost: read again and decide again. */
export function isConflict(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 409 && error.reason !== 'AlreadyExists';
}

/** A create whose name is taken. */
export function isAlreadyExists(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** The object is not there (any more). */
export function isNotFound(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 404;
}

/** The resource version asked for is older than what the server remembers. */
export function isExpired(error: unknown): error is KubeError {
  return error instanceof KubeError && (error.status === 410 || error.reason === 'Expired');
}

/** A write was stopped before it was sent, because this process no longer holds the Lease. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
}

/** The error of an answer with a status of 400 or more; `text` is its body, usually a `Status` object. */
export function errorOfAnswer(status: number, text: string, retryAfterMs: number | undefined): KubeError {
  const { reason, message, retryAfterSeconds } = readStatus(text);
  return new KubeError({
    status,
    reason: reason ?? `HTTP${status}`,
    message: message ?? `the API server answered ${status}`,
    retryAfterMs: retryAfterMs ?? (retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000),
  });
}

/** The error of an in-band `ERROR` event of a watch, whose object is a `Status`. */
export function errorOfStatus(status: unknown): KubeError {
  const { code, reason, message, retryAfterSeconds } = pickStatus(status);
  return new KubeError({
    status: code ?? 500,
    reason: reason ?? 'Unknown',
    message: message ?? 'the watch ended with an error',
    retryAfterMs: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000,
  });
}

interface StatusFields {
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

const MESSAGE_LIMIT = 2048;

function readStatus(text: string): StatusFields {
  try {
    return pickStatus(JSON.parse(text));
  } catch {
    // Proxies in front of the API server answer in plain text.
    return { code: undefined, reason: undefined, message: undefined, retryAfterSeconds: undefined };
  }
}

function pickStatus(value: unknown): StatusFields {
  const status = asRecord(value);
  const seconds = asRecord(status['details'])['retryAfterSeconds'];
  const { code, reason, message } = status;
  return {
    code: typeof code === 'number' ? code : undefined,
    reason: typeof reason === 'string' && reason !== '' ? reason : undefined,
    message: typeof message === 'string' ? message.slice(0, MESSAGE_LIMIT) : undefined,
    retryAfterSeconds: typeof seconds === 'number' ? seconds : undefined,
  };
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
