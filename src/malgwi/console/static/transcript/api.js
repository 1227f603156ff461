/** The gateway's answers for a page of its own origin; whoever is signed in is known by the cookie. */

import { reason } from "../reasons.js";

const TIMEOUT = 30_000; // ms

/** Why there is no answer: `status` 0 where there was no connection. */
export class Refusal extends Error {
  /** @param {number} status @param {any} [problem] @param {string} [why] for people */
  constructor(status, problem = {}, why = "") {
    super(why);
    this.status = status;
    this.problem = problem;
    this.stale = status === 409 && String(problem.type).endsWith(":stale");
  }
}

/**
 * @param {string} path
 * @param {{method?: string, body?: unknown, type?: string, signal?: AbortSignal}} [options] a body is
 *   sent as JSON, or as it is where `type` says what it is
 * @returns {Promise<Response>} one that is well; raises Refusal, or AbortError
 */
async function asked(path, { method = "GET", body, type, signal } = {}) {
  const limit = AbortSignal.timeout(TIMEOUT);
  /** @type {RequestInit} */
  const request = { method, credentials: "same-origin", signal: signal ? AbortSignal.any([signal, limit]) : limit };
  if (body !== undefined) {
    request.headers = { "content-type": type ?? "application/json" };
    request.body = type ? String(body) : JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0);
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const detail = typeof problem.detail === "string" ? problem.detail : `HTTP ${answer.status}`;
  throw new Refusal(answer.status, problem, await reason(detail, problem));
}

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, signal) {
  return (await asked(path, { signal })).json();
}

/** @param {string} path @param {AbortSignal} [signal] */
export async function bytes(path, signal) {
  return (await asked(path, { signal })).arrayBuffer();
}

/** @param {string} method @param {string} path @param {unknown} [body] @param {string} [type] @returns {Promise<any>} */
export async function send(method, path, body, type) {
  const answer = await asked(path, { method, body, type });
  return answer.status === 204 ? null : answer.json();
}

/** @param {string} path @param {Record<string, any>} query what is null or undefined is left out */
export function withQuery(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : path;
}
