"""A web application whose users let it use an API in their name: Flask.

pip install ./bindings/python flask requests
API_URL=... SECRET_KEY=... flask --app web_flask run

The profile "web" (docs/CONSENT.md shows one) has the vendor's settings, a `redirect_uri` that leads to
/callback, the API's host, and a `store_key`, so that any process of the application can go on with a login
that another one began. With `store = "file"` the tokens, too, are where every process finds them.
"""

import os

import flask
import requests
import tokenkeep
from werkzeug.wrappers import Response

API = os.environ["API_URL"]

SIGN_IN = """<!doctype html><title>Sign in</title>
<form method="post" action="/sign_in">
<label>Who are you? <input name="user" required></label>
<button>Sign in</button>
</form>"""

app = flask.Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
# A login under way is in its user's own session cookie, which no script reads and no other site sends.
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")

# One for all users. Those derived from it are cheap, and their tokens are kept as long as this one lives.
client = tokenkeep.Client.from_profile("web")


def client_of_user() -> tokenkeep.Client:
    """Give the client with the tokens of the user who is signed in."""
    if "user" not in flask.session:
        flask.abort(flask.redirect("/sign_in"))
    return client.with_(account=flask.session["user"])


@app.get("/sign_in")
def ask_who() -> str:
    """Stand, with the next one, for your own way to know who somebody is."""
    return SIGN_IN


@app.post("/sign_in")
def sign_in() -> Response:
    """Take their word for it."""
    flask.session["user"] = flask.request.form["user"]
    return flask.redirect("/")


@app.get("/connect")
def connect() -> Response:
    """Send the user to the vendor, to say yes there."""
    consent = client_of_user().consent()
    flask.session["consent"] = consent.seal()
    return flask.redirect(consent.url)


@app.get("/callback")
def callback() -> Response:
    """Take the user back, maybe in another process than the one that sent them away."""
    users = client_of_user()
    try:
        # The path is this route's own; behind a proxy the rest of the URL may be another.
        query = "?" + flask.request.query_string.decode()
        users.resume(flask.session.get("consent", "")).finish(query)
    except tokenkeep.Error as error:
        app.logger.warning("a login failed: %s", error)
        # Somebody else's answer, which a link may lead here, leaves this user's own login open.
        if not isinstance(error, tokenkeep.ProtocolError):
            flask.session.pop("consent", None)
        flask.abort(400, "That did not work. Please connect again.")
    # It is good once: the back button finds nothing.
    del flask.session["consent"]
    return flask.redirect("/")


@app.get("/")
def home() -> Response:
    """Show what the API says of the user."""
    users = client_of_user()
    try:
        # The hook attaches the token, and answers a 401 with a new one and one more try.
        answer = requests.get(API, auth=users.requests_auth(), timeout=30)
    except tokenkeep.ConsentRequired:
        return flask.redirect("/connect")
    return Response(answer.content, answer.status_code, content_type="application/json")


@app.post("/disconnect")
def disconnect() -> Response:
    """Give the user's tokens back."""
    client_of_user().revoke()
    return flask.redirect("/")
