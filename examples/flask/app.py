"""A small real app on Colmeia: two people sign in, each links a phone, sends, and reads what comes in."""

import os
import secrets
from functools import wraps

import requests
from flask import Flask, Response, abort, flash, jsonify, redirect, render_template, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash

import colmeia
from inbox import Inbox

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
    SESSION_COOKIE_NAME="flask_example",  # ports share cookies
    SESSION_COOKIE_SAMESITE="Strict",
    SESSION_COOKIE_HTTPONLY=True,
)
WEBHOOK_KEY = os.environ["WEBHOOK_KEY"]
inbox = Inbox(os.environ.get("INBOX", "inbox.db"))

# Who may sign in, and which session of Colmeia is theirs. An app of yours has a table for this.
PEOPLE = {
    "ana": {"user": "1", "password": generate_password_hash(os.environ.get("ANA_PASSWORD", "ana"))},
    "bia": {"user": "2", "password": generate_password_hash(os.environ.get("BIA_PASSWORD", "bia"))},
}


def signed_in(view):
    """Sends strangers to the sign-in, and hands the view the user of who is signed in."""

    @wraps(view)
    def guarded(*args, **kwargs):
        person = PEOPLE.get(session.get("person"))
        if person is None:
            return redirect(url_for("login"))
        return view(person["user"], *args, **kwargs)

    return guarded


@app.before_request
def only_our_own_forms():
    """Another site can make a browser post a form here, but not with our token."""
    if request.method == "POST" and request.endpoint not in ("events", "unsigned"):
        if not secrets.compare_digest(session.get("token", ""), request.form.get("token", "?")):
            abort(403)


@app.context_processor
def token():
    return {"token": session.setdefault("token", secrets.token_hex(16))}


@app.errorhandler(requests.RequestException)
def colmeia_is_away(_):
    return render_template("away.html"), 502


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        person = PEOPLE.get(request.form["name"].strip().lower())
        if person and check_password_hash(person["password"], request.form["password"]):
            session["person"] = request.form["name"].strip().lower()
            return redirect(url_for("home"))
        flash("Nome ou senha incorretos.")
    return render_template("login.html")


@app.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("login"))


@app.get("/")
@signed_in
def home(user):
    return render_template("home.html", person=session["person"], status=colmeia.status(user), messages=inbox.of(user))


@app.get("/connect")
@signed_in
def connect(user):
    return render_template("connect.html", person=session["person"], code=colmeia.qr(user))


@app.get("/code.json")
@signed_in
def code(user):
    """What the connect page asks every few seconds. Asking is what starts the session."""
    answer = colmeia.qr(user)
    # The code itself stays here: the page shows a picture of it.
    return jsonify(ready=answer["ready"], shown=bool(answer.get("qr")), message=answer.get("message", ""))


@app.get("/code.svg")
@signed_in
def picture(user):
    svg = colmeia.picture(user)
    return Response(svg, mimetype="image/svg+xml", headers={"Cache-Control": "no-store"}) if svg else abort(404)


@app.get("/inbox.json")
@signed_in
def news(user):
    return jsonify(ready=colmeia.status(user)["ready"], messages=inbox.of(user))


@app.post("/send")
@signed_in
def send(user):
    answer = colmeia.send(user, request.form["phone"], request.form["message"])
    flash("Mensagem enviada." if answer.ok else answer.json()["error"])
    return redirect(url_for("home"))


@app.post("/events")
def events():
    """Colmeia tells each message here, again and again until we answer 200."""
    if not colmeia.is_genuine(request.get_data(), request.headers.get("X-Webhook-Hmac"), WEBHOOK_KEY):
        abort(401)
    told = request.get_json()
    if told["event"] == "message":
        message = told["payload"]
        inbox.keep(told["id"], told["session"], message["from"], message.get("body") or "", message["timestamp"])
    return "", 200


@app.post("/webhook")
def unsigned():
    """Colmeia tells the old server's webhook too, without a signature. Nothing unsigned is believed here."""
    return "", 204


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5002")), app, threaded=True)
    print(f"listening on http://{server.host}:{server.port}", flush=True)
    server.serve_forever()
