import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { Logger } from '../kube/logger.ts';

/** Levels that a process can be told to log from. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How the root logger is set up. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go; stdout where absent. */
  readonly destination?: DestinationStream;
  /** Asked for every line: fields that tell which work it belongs to. */
  readonly workFields?: () => object | undefined;
}

/** A logger whose lines can be made sure to be out. */
export interface RootLogger extends Logger {
  /** Logger `audit`: one line per decision that must outlive Events (who, from, to, seq, cause). */
  readonly audit: Logger;
  /** Writes a last line before the process ends. */
  fatal(fields: object, message: string): void;
}

/** Names under which secrets travel, at the top and one level down. */
const SECRET_FIELDS = [
  'token',
  'authorization',
  'Authorization',
  'password',
  'privateKey',
  'key_pem',
  'nonce',
  'clientKey',
];
const REDACTED = [
  ...SECRET_FIELDS,
  ...SECRET_FIELDS.map((field) => `*.${field}`),
  'headers.authorization',
  'req.headers.authorization',
  'data',
];

/**
 * JSON lines on stdout: `level` as a word, `time` in ISO 8601, `msg`. Secrets are replaced by `[redacted]`. Lines are
 * written synchronously, so that none is lost when the process ends; no transport, no worker thread.
 */
export function createLogger(options: LoggerOptions): RootLogger {
  const { workFields } = options;
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { err: errorFields },
      ...(workFields && { mixin: () => workFields() ?? {} }),
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
  return {
    ...adapt(root),
    audit: adapt(root.child({ logger: 'audit' })),
    fatal: (fields, message) => root.fatal(fields, message),
  };
}

function adapt(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => adapt(logger.child(fields)),
  };
}

const CAUSES = 4;

/** An error with its chain of causes; only known fields, because libraries hang whole requests on theirs. */
function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return typeof error === 'string' ? { message: error } : { message: 'not an Error' };
  const fields: Record<string, unknown> = { type: error.name, message: error.message, stack: error.stack };
  for (const name of ['code', 'status', 'reason'] as const) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  if (error.cause !== undefined && depth < CAUSES) fields['cause'] = errorFields(error.cause, depth + 1);
  return fields;
}
