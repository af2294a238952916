"""A web application whose users let it use an API in their name: Flask.

pip install ./bindings/python flask
API_URL=... SECRET_KEY=... flask --app web_flask run

The profile "web" (docs/CONSENT.md shows one) has the vendor's settings, a `redirect_uri` that leads to
/callback, and a `store_key`, so that any process of the application can go on with a login that another one
began. With `store = "file"` the tokens, too, are where every process finds them.
"""

import os
from urllib.request import Request, urlopen

import flask
import tokenkeep
from werkzeug.wrappers import Response

API = os.environ["API_URL"]

app = flask.Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
# A login under way is in its user's own session cookie, which no script reads and no other site sends.
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")

# One for all users. Those derived from it are cheap, and their tokens are kept as long as this one lives.
client = tokenkeep.Client.from_profile("web")


def client_of_user() -> tokenkeep.Client:
    """Give the client with the tokens of the user who is signed in."""
    if "user" not in flask.session:
        flask.abort(401)
    return client.with_(account=flask.session["user"])


@app.post("/sign_in")
def sign_in() -> Response:
    """Stand for your own way to know who somebody is."""
    flask.session["user"] = flask.request.args["user"]
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
    # Taken out, because it is good once: the back button finds nothing.
    sealed = flask.session.pop("consent", "")
    try:
        # The path is this route's own; behind a proxy the rest of the URL may be another.
        users.resume(sealed).finish("?" + flask.request.query_string.decode())
    except tokenkeep.Error as error:
        app.logger.warning("a login failed: %s", error)
        flask.abort(400, "That did not work. Please connect again.")
    return flask.redirect("/")


@app.get("/")
def home() -> Response:
    """Show what the API says of the user."""
    try:
        token = client_of_user().token()
    except tokenkeep.ConsentRequired:
        return flask.redirect("/connect")
    with urlopen(Request(API, headers=token.headers), timeout=30) as answer:
        return Response(answer.read(), content_type="application/json")


@app.post("/disconnect")
def disconnect() -> Response:
    """Give the user's tokens back."""
    client_of_user().revoke()
    return flask.redirect("/")
