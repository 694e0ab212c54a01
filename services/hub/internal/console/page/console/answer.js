// What the hub answers other than streams.

// refusal reads a problem document, or what there is in its place.
export async function refusal(response) {
  const json = /json/.test(response.headers.get("Content-Type") ?? "");
  const problem = json ? parse(await response.text().catch(() => "")) : {};
  return {
    reason: `rejected ${response.status}`,
    detail: problem.detail ?? problem.title ?? response.statusText,
    status: response.status,
    type: problem.type,
    trace: problem.trace_id,
    permanent: [400, 401, 403].includes(response.status),
    retryAfter: retryAfter(response.headers.get("Retry-After")),
  };
}

// retryAfter reads the header, seconds or a date, as milliseconds.
export function retryAfter(value) {
  if (!value) return undefined;
  const ms = /^[0-9]+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 0x7fffffff);
}

export function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
