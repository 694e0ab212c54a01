// The token that lets this page in, where the hub wants one. It is kept in the
// cookie that the hub knows, for this browser session; where cookies are off or
// too small for it, in this page alone.
import { $, text } from "./dom.js";

const name = "sluice_token";

export class Access {
  // on has change(): another token from now on.
  constructor(on) {
    this.inPage = ""; // what no cookie holds
    this.tried = ""; // what the cookie held at the last attempt
    $("access-form").addEventListener("submit", (e) => {
      e.preventDefault();
      this.keep($("token").value.trim());
      on.change();
    });
    $("token-forget").addEventListener("click", () => {
      this.keep("");
      on.change();
      $("token").focus();
    });
    $("access-open").addEventListener("click", () => {
      $("options").open = false;
      this.show(true);
      $("token").focus();
    });
    this.show(false);
  }

  get has() {
    return this.inPage !== "" || kept() !== "";
  }

  keep(token) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const end = token === "" ? "; Max-Age=0" : "";
    document.cookie = `${name}=${token}; Path=/; SameSite=Strict${secure}${end}`;
    this.inPage = kept() === token ? "" : token;
    $("token").value = "";
    this.show(!$("access").hidden);
  }

  // attempt notes that the hub is asked now.
  attempt() {
    this.tried = kept();
  }

  // renewed tells that somebody else, such as a page that people log in to, has
  // put another token into the cookie since.
  get renewed() {
    return kept() !== "" && kept() !== this.tried;
  }

  // show has the field seen or not; wanted says that the hub asks for a token,
  // or for another in the place of one that has expired.
  show(seen, wanted = false, expired = false) {
    $("access").hidden = !seen;
    $("token-forget").hidden = !this.has;
    text($("access-why"), why(this.has, wanted, expired));
  }
}

function why(has, wanted, expired) {
  if (expired) return "The token has expired: with another the stream goes on where it ended.";
  if (wanted) return has ? "The hub does not let this token in." : "This hub wants a token.";
  return has ? "This page has a token." : "This page has no token.";
}

const kept = () => document.cookie.split("; ").find((c) => c.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
