/** Why a call failed: the hub's RFC 9457 answer, or that there was no answer at all. */
export class Problem extends Error {
  /** Stable; pages translate it and fall back on `detail`. */
  readonly code: string;
  readonly status: number;
  /** A sentence that says what to do. */
  readonly detail: string;
  /** Whether the same call may succeed later. */
  readonly retry: boolean;

  constructor(fields: { code: string; status: number; detail: string; retry: boolean }) {
    super(fields.detail || fields.code);
    this.name = 'Problem';
    this.code = fields.code;
    this.status = fields.status;
    this.detail = fields.detail;
    this.retry = fields.retry;
  }

  /** The hub did not answer: stopped, asleep, or out of reach. */
  static unreachable(): Problem {
    return new Problem({ code: 'unreachable', status: 0, detail: '', retry: true });
  }

  static of(cause: unknown): Problem {
    if (cause instanceof Problem) return cause;
    return new Problem({ code: 'page_error', status: 0, detail: String(cause), retry: false });
  }
}

/** Reads an answer that is not 2xx. What stands between page and hub may answer without problem details. */
export async function readProblem(response: Response): Promise<Problem> {
  const status = response.status;
  const body: unknown = await response.json().catch(() => null);
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return new Problem({
    code: text(fields.code) || `http_${status}`,
    status,
    detail: text(fields.detail) || text(fields.title),
    retry: typeof fields.retry === 'boolean' ? fields.retry : status >= 500,
  });
}
